/** What all commands that train have in common: {@link io.fedlearn.examples.run.RunOptions} and the run's folder. */
package io.fedlearn.examples.run;
