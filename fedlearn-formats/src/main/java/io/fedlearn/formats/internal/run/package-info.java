/**
 * Run headers and round records as JSON lines with a checksum, the same wherever a run is kept. For modules of this project that
 * keep runs; {@link io.fedlearn.formats.internal.run.RecordJson} is where to begin.
 */
package io.fedlearn.formats.internal.run;
