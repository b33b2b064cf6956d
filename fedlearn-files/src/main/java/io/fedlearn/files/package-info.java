/**
 * A run on disk, and the ledger of privacy budgets. The entry points are {@link io.fedlearn.files.FileRunStore} for a
 * coordinator's run, {@link io.fedlearn.files.FileAuditLog} for what must be proved later, which {@link io.fedlearn.files.AuditVerifier}
 * verifies, {@link io.fedlearn.files.FilePrivacyLedger} for what was spent of privacy budgets, over all runs, and
 * {@link io.fedlearn.files.FileClientStateStore} for what a site keeps.
 *
 * <p><b>The directory of a run</b>
 * <pre>
 * run.json                    what was fixed when the run started
 * records.jsonl               the record of every round, a line each
 * history.json                both in one document, for people and programs
 * model.safetensors           the model of the latest round
 * best.safetensors            the model of the best round, if there is one
 * rounds/000012/              the checkpoint after round 12: what the run goes on from
 *   model.safetensors         the global model
 *   state-1.safetensors …     tensors that parts of the strategy keep, a file for each group
 *   checkpoint.json           what these files are, and their digests
 * rounds/000011.damaged/      a checkpoint that was found damaged and passed over
 * audit.jsonl                 the audit log, if it is kept here
 * run.lock, audit.jsonl.lock  locked by the process that has them open
 * ….part                      something unfinished, removed when the run is loaded
 * </pre>
 * Models are safetensors with names, types, roles and digest; if a tensor is called {@code __metadata__}, which
 * safetensors cannot hold, all are named by their number, and the metadata's {@code names} tells which is which. The
 * two at the top are further names (hard links) of the files in {@code rounds}, copies where the file system has no
 * links: copy them before you change them.
 *
 * <p><b>Sealed lines.</b> {@code run.json}, {@code checkpoint.json} and each line of {@code records.jsonl} are one JSON
 * object on one line of UTF-8 whose last member is {@code "sha256"}: SHA-256, in lower-case hexadecimal, over all bytes
 * of the line before {@code ,"sha256":}. Whole numbers have no point and up to 64 bits; other numbers always have a
 * point or an exponent, and are read back to the same bits. Times are ISO 8601 in UTC.
 *
 * <p><b>{@code history.json}</b>, schema {@code fedlearn-history/1}, is an object of
 * <ul>
 *   <li>{@code schema}
 *   <li>{@code run}: the content of {@code run.json}: {@code schema} ({@code fedlearn-run/1}, which stands for the
 *       whole directory), {@code runId}, {@code seed}, {@code strategy}, {@code settings} (an object of scalars),
 *       {@code initialDigest}, {@code libraryVersion}, {@code startedAt}
 *   <li>{@code latestRound} and, if there is one, {@code bestRound}
 *   <li>{@code rounds}: a list of the lines of {@code records.jsonl}, round 1 first. Each has {@code round};
 *       {@code status} ({@code completed} or {@code aborted}) and, if aborted, {@code abortReason}; {@code best},
 *       whether it was the best when it was saved; {@code metrics} over all sites (so {@code rounds[].metrics.auc} is
 *       the federated test AUC), absent where undefined; {@code centralMetrics}, the coordinator's own;
 *       {@code trainMetrics}; {@code clients}, the evaluation of each site, and {@code outcomes}, the training of each,
 *       both lists of {@code clientId}, {@code outcome}, {@code reason}, {@code exampleCount}, {@code weight},
 *       {@code metrics}, {@code updateBytes}, {@code savedBytes}, {@code seconds}; {@code cohort}; {@code lateUpdates}; {@code seed};
 *       {@code strategy}; {@code settings}; {@code clientConfig}; {@code baseDigest} and {@code modelDigest}; in a
 *       private run {@code privacySpent} ({@code epsilon}, {@code privacyDelta}); with an audit log {@code auditHead}
 *       ({@code sequence}, {@code hash}); {@code libraryVersion}; {@code startedAt}; {@code seconds}
 * </ul>
 * It may lag behind the run by a few seconds while that goes on.
 */
package io.fedlearn.files;
