package io.fedlearn.examples.console;

import java.io.Console;
import java.util.Optional;

/** Whether somebody watches. */
final class Terminal {
    private Terminal() {}

    /** Whether standard output is a terminal that can move its cursor. */
    @SuppressWarnings("SystemConsoleNull") // It is null up to Java 21; newer ones are asked by isTerminal.
    static boolean isInteractive() {
        Console console = System.console();
        String kind = Optional.ofNullable(System.getenv("TERM")).orElse("dumb");
        return console != null && isTerminal(console) && !kind.equals("dumb");
    }

    /** From Java 22 on there is always a console, and it says itself whether it is a terminal. */
    private static boolean isTerminal(Console console) {
        try {
            return (Boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (NoSuchMethodException e) {
            return true;
        } catch (ReflectiveOperationException e) {
            return false;
        }
    }
}
