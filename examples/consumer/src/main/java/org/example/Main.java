package org.example;

import io.fedlearn.core.LibraryVersion;

public final class Main {
    public static void main(String[] args) {
        // TODO: the README's federated run.
        System.out.println("FedLearn " + LibraryVersion.current());
    }
}
