package io.fedlearn.privacy.accounting;

/** So many releases of one privacy loss. */
record LossTerm(PrivacyLoss loss, long count) {}
