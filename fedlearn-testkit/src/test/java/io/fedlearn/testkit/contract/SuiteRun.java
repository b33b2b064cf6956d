package io.fedlearn.testkit.contract;

import java.util.Set;
import java.util.TreeSet;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs a contract suite on an implementation as JUnit would, also one that {@link FailsOnPurpose}.
 *
 * @param passed methods that never failed
 * @param failed methods that failed at least once
 */
record SuiteRun(Set<String> passed, Set<String> failed) {
    static SuiteRun of(Class<?> suite) {
        Set<String> passed = new TreeSet<>();
        Set<String> failed = new TreeSet<>();
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(DiscoverySelectors.selectClass(suite))
                .configurationParameter("junit.jupiter.conditions.deactivate", "org.junit.*DisabledCondition")
                .build();
        LauncherFactory.create().execute(request, new TestExecutionListener() {
            @Override
            public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                if (test.isTest() && test.getSource().orElseThrow() instanceof MethodSource method) {
                    if (result.getStatus() == TestExecutionResult.Status.FAILED) {
                        failed.add(method.getMethodName());
                    } else if (result.getStatus() == TestExecutionResult.Status.SUCCESSFUL) {
                        passed.add(method.getMethodName());
                    }
                }
            }
        });
        passed.removeAll(failed);
        return new SuiteRun(passed, failed);
    }

    /** The methods that fail on this implementation. */
    static Set<String> failures(Class<?> suite) {
        SuiteRun run = of(suite);
        if (run.passed().isEmpty()) {
            throw new AssertionError(suite + " has no test that passes; it failed " + run.failed());
        }
        return run.failed();
    }
}
