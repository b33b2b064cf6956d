package io.fedlearn.pg.registry;

import java.time.Instant;

/**
 * That a version came into a stage.
 *
 * @param stage that it was in from then on
 * @param reason as whoever did it gave it
 * @param by the role of the database that did it
 * @param at by the database's clock
 */
public record StageChange(Stage stage, String reason, String by, Instant at) {}
