package io.fedlearn.examples.protection;

import io.fedlearn.core.budget.PrivacyLedger;
import io.fedlearn.files.FilePrivacyLedger;
import java.nio.file.Path;

/** Where it is kept what private runs spend. */
public interface Ledgers {
    /** The ledger of this scope, which the caller closes. */
    PrivacyLedger open(String scope);

    /** Where that one is, for people. */
    String place(String scope);

    /** All of them, for people. */
    @Override
    String toString();

    /** A file in this folder for each scope. */
    static Ledgers inFolder(Path folder) {
        return new Ledgers() {
            @Override
            public PrivacyLedger open(String scope) {
                return FilePrivacyLedger.at(file(scope));
            }

            @Override
            public String place(String scope) {
                return file(scope).toString();
            }

            private Path file(String scope) {
                return folder.resolve(scope + ".jsonl");
            }

            @Override
            public String toString() {
                return folder.toString();
            }
        };
    }
}
