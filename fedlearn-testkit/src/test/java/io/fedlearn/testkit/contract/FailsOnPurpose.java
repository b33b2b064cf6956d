package io.fedlearn.testkit.contract;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Disabled;

/** Marks a suite on a broken implementation, which {@link SuiteRun} alone runs. */
@Disabled("fails on purpose")
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@interface FailsOnPurpose {}
