/** What is shown while a run goes on: {@link io.fedlearn.examples.console.ConsoleProgress}. */
package io.fedlearn.examples.console;
