/** Contract suites for implementers, fakes, generators and assertions. */
package io.fedlearn.testkit;
