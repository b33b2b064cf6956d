/**
 * Finding nodules in a CT: {@link io.fedlearn.luna16.detect.NoduleDetector} asks a {@link
 * io.fedlearn.luna16.detect.CandidateFinder} where to look and a network what is there; {@link
 * io.fedlearn.luna16.detect.Findings} writes what came of it.
 */
@org.jspecify.annotations.NullMarked
package io.fedlearn.luna16.detect;
