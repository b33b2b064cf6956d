/** What a run leaves behind for people and for replay: {@link io.fedlearn.core.record.RoundRecord}. */
package io.fedlearn.core.record;
