package io.fedlearn.examples.network;

import io.fedlearn.core.federation.QuorumNotReachedException;
import io.fedlearn.core.federation.ResumeRefusedException;
import io.fedlearn.core.store.RunStoreException;

/** Of what kind the end of a run is that was not done, in words for its clients: no path, no client's name. */
final class RunFailure {
    private RunFailure() {}

    /** The words. */
    static String words(Throwable failure) {
        if (failure instanceof QuorumNotReachedException quorum) {
            return "too few clients could be asked or answered well in round " + quorum.round();
        }
        if (failure instanceof RunStoreException) {
            return "the server could not save the run";
        }
        if (failure instanceof ResumeRefusedException) {
            return "the server was started with other settings than the run had";
        }
        if (failure instanceof IllegalArgumentException || failure instanceof IllegalStateException) {
            return "the server could not train with the clients and settings that it had";
        }
        return "the server could not go on";
    }
}
