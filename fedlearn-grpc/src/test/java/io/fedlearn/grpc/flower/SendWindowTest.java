package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SendWindowTest {
    private final SendWindow window = new SendWindow(100);
    private final List<String> sent = new ArrayList<>();

    private void send(String owner, long bytes) {
        window.send(owner, bytes, () -> sent.add(owner));
    }

    @Test
    void sendsWhatFitsAndTheRestInOrderAsThereIsRoom() {
        send("a", 60);
        send("b", 40);
        send("c", 30);
        send("d", 10);
        assertThat(sent).containsExactly("a", "b");

        window.release("b");
        assertThat(sent).containsExactly("a", "b", "c", "d");
    }

    @Test
    void sendsWhatIsLargerThanTheWindowAlone() {
        send("large", 1000);
        send("small", 1);
        assertThat(sent).containsExactly("large");

        window.release("large");
        send("large again", 1000);
        assertThat(sent).containsExactly("large", "small");

        window.release("small");
        assertThat(sent).containsExactly("large", "small", "large again");
    }

    @Test
    void releasingTwiceOrNothingGivesNoRoom() {
        send("a", 100);
        window.release("nobody");
        window.release("a");
        window.release("a");
        send("b", 100);
        send("c", 100);

        assertThat(sent).containsExactly("a", "b");
    }
}
