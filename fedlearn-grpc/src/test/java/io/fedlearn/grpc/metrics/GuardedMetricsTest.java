package io.fedlearn.grpc.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class GuardedMetricsTest {
    private static final List<Method> EVENTS = Arrays.stream(TransportMetrics.class.getMethods())
            .filter(method -> !Modifier.isStatic(method.getModifiers()))
            .toList();

    private final List<String> heard = new ArrayList<>();

    private TransportMetrics recorder() {
        return (TransportMetrics) Proxy.newProxyInstance(
                TransportMetrics.class.getClassLoader(),
                new Class<?>[] {TransportMetrics.class},
                (proxy, method, arguments) -> {
                    heard.add(method.getName() + (arguments == null ? "[]" : Arrays.toString(arguments)));
                    return null;
                });
    }

    private static Object argument(Class<?> type) {
        if (type == String.class) {
            return "word";
        } else if (type == long.class) {
            return 7L;
        } else if (type == int.class) {
            return 3;
        } else if (type == Duration.class) {
            return Duration.ofSeconds(2);
        }
        return TransportMetrics.Content.MODEL;
    }

    private static void tellAll(TransportMetrics metrics) throws Exception {
        for (Method event : EVENTS) {
            event.invoke(
                    metrics,
                    Arrays.stream(event.getParameterTypes())
                            .map(GuardedMetricsTest::argument)
                            .toArray());
        }
    }

    @Test
    void handsOnEachEventAsItIs() throws Exception {
        tellAll(recorder());
        List<String> plain = List.copyOf(heard);
        heard.clear();

        tellAll(TransportMetrics.guarded(recorder()));

        assertThat(heard).hasSize(EVENTS.size()).isEqualTo(plain);
    }

    @Test
    void keepsWhatIsThrownFromWhoeverTells() {
        TransportMetrics broken = TransportMetrics.guarded((TransportMetrics) Proxy.newProxyInstance(
                TransportMetrics.class.getClassLoader(),
                new Class<?>[] {TransportMetrics.class},
                (proxy, method, given) -> {
                    heard.add(method.getName());
                    throw heard.size() % 2 == 0 ? new IllegalStateException("broken") : new AssertionError("broken");
                }));

        assertThatCode(() -> tellAll(broken)).doesNotThrowAnyException();
        assertThat(heard).hasSize(EVENTS.size());
    }

    @Test
    void guardsOnce() {
        TransportMetrics guarded = TransportMetrics.guarded(recorder());

        assertThat(TransportMetrics.guarded(guarded)).isSameAs(guarded);
    }
}
