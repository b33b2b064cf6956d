/**
 * Two client-side transforms that do not commute, found under their names by every site that has the testkit on its path:
 * {@link io.fedlearn.testkit.transform.ScaleTransform} and {@link io.fedlearn.testkit.transform.ShiftTransform}.
 */
package io.fedlearn.testkit.transform;
