package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * The guide shows what the tests of this package run, and its links lead somewhere.
 *
 * <p>A Java block of a page follows a line {@code <!-- snippet: GettingStartedTest#schema -->} and equals the lines between
 * {@code // tag::schema[]} and {@code // end::schema[]} of that class, moved to the left margin.
 */
final class DocumentationTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Path GUIDE = ROOT.resolve("docs");
    private static final Path SNIPPETS = ROOT.resolve(
            "examples/src/test/java/" + DocumentationTest.class.getPackageName().replace('.', '/'));
    private static final Set<String> NOT_OURS = Set.of("target", "runs", "node_modules");

    private static final Pattern JAVA_BLOCK = Pattern.compile(
            "(?<snippet><!-- snippet: (?<file>\\w+)#(?<tag>[\\w-]+) -->\\n)?```java\\n(?<code>.*?)```", Pattern.DOTALL);
    private static final Pattern BLOCK = Pattern.compile("^```.*?^```", Pattern.DOTALL | Pattern.MULTILINE);
    private static final Pattern CODE = Pattern.compile("`[^`\\n]*`");
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
    private static final Pattern HEADING = Pattern.compile("^#{1,6} (.*)$", Pattern.MULTILINE);
    private static final Pattern TAG = Pattern.compile("// tag::([\\w-]+)\\[\\]");

    @Test
    void showsTheCodeThatTheTestsRun() throws IOException {
        List<String> problems = new ArrayList<>();
        int blocks = 0;
        for (Path page : pages(GUIDE)) {
            Matcher block = JAVA_BLOCK.matcher(Files.readString(page));
            while (block.find()) {
                blocks++;
                problem(block).ifPresent(problem -> problems.add(ROOT.relativize(page) + ": " + problem));
            }
        }
        assertThat(problems).isEmpty();
        assertThat(blocks).as("Java blocks in the guide").isPositive();
    }

    private static Optional<String> problem(Matcher block) throws IOException {
        String code = block.group("code");
        if (block.group("snippet") == null) {
            return Optional.of("no snippet line before the block\n" + code);
        }
        String name = block.group("file") + "#" + block.group("tag");
        Path source = SNIPPETS.resolve(block.group("file") + ".java");
        if (!Files.exists(source)) {
            return Optional.of(name + ": there is no " + source.getFileName());
        }
        Optional<String> region = region(Files.readString(source), block.group("tag"));
        if (region.isEmpty()) {
            return Optional.of(name + ": there is no such tag");
        }
        return region.get().equals(code)
                ? Optional.empty()
                : Optional.of(name + " is, in the test:\n" + region.get() + "and in the page:\n" + code);
    }

    /** The lines between the tags, without other tags, moved left as far as they go. */
    private static Optional<String> region(String source, String tag) {
        List<String> lines = source.lines().map(String::stripTrailing).toList();
        List<String> stripped = lines.stream().map(String::strip).toList();
        int start = stripped.indexOf("// tag::" + tag + "[]");
        int end = stripped.indexOf("// end::" + tag + "[]");
        if (start < 0 || end < start) {
            return Optional.empty();
        }
        List<String> code = lines.subList(start + 1, end).stream()
                .filter(line -> !line.strip().matches("// (tag|end)::[\\w-]+\\[\\]"))
                .toList();
        int indent = code.stream()
                .filter(line -> !line.isEmpty())
                .mapToInt(line -> line.length() - line.stripLeading().length())
                .min()
                .orElse(0);
        return Optional.of(code.stream()
                .map(line -> line.isEmpty() ? line : line.substring(indent))
                .map(line -> line + "\n")
                .collect(Collectors.joining()));
    }

    @Test
    void everyTagIsShownSomewhere() throws IOException {
        Set<String> tags = new TreeSet<>();
        try (var files = Files.newDirectoryStream(SNIPPETS, "*Test.java")) {
            for (Path file : files) {
                String name = file.getFileName().toString().replace(".java", "");
                if (!name.equals(DocumentationTest.class.getSimpleName())) {
                    TAG.matcher(Files.readString(file)).results().forEach(tag -> tags.add(name + "#" + tag.group(1)));
                }
            }
        }
        Set<String> shown = new TreeSet<>();
        for (Path page : pages(GUIDE)) {
            JAVA_BLOCK
                    .matcher(Files.readString(page))
                    .results()
                    .forEach(block -> shown.add(block.group(2) + "#" + block.group(3)));
        }
        assertThat(shown).containsAll(tags);
    }

    @Test
    void linksOfAllPagesLeadSomewhere() throws IOException {
        List<String> dead = new ArrayList<>();
        for (Path page : pages(ROOT)) {
            String text = withoutCode(Files.readString(page));
            Matcher link = LINK.matcher(text);
            while (link.find()) {
                if (!link.group(1).matches("[a-z]+:.*") && !leadsSomewhere(page, link.group(1))) {
                    dead.add(ROOT.relativize(page) + ": " + link.group(1));
                }
            }
        }
        assertThat(dead).isEmpty();
    }

    private static boolean leadsSomewhere(Path page, String link) throws IOException {
        int hash = link.indexOf('#');
        String file = hash < 0 ? link : link.substring(0, hash);
        Path target = file.isEmpty() ? page : page.resolveSibling(file).normalize();
        if (!Files.exists(target)) {
            return false;
        }
        return hash < 0 || anchors(Files.readString(target)).contains(link.substring(hash + 1));
    }

    /** The anchors that are made of a page's headings. */
    private static Set<String> anchors(String text) {
        Set<String> anchors = new TreeSet<>();
        HEADING.matcher(BLOCK.matcher(text).replaceAll(""))
                .results()
                .forEach(heading -> anchors.add(heading.group(1)
                        .strip()
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^\\p{L}\\p{N} _-]", "")
                        .replace(' ', '-')));
        return anchors;
    }

    private static String withoutCode(String text) {
        return CODE.matcher(BLOCK.matcher(text).replaceAll("")).replaceAll("");
    }

    private static List<Path> pages(Path folder) throws IOException {
        List<Path> pages = new ArrayList<>();
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path visited, BasicFileAttributes attributes) {
                String name = visited.getFileName().toString();
                return !visited.equals(folder) && (name.startsWith(".") || NOT_OURS.contains(name))
                        ? FileVisitResult.SKIP_SUBTREE
                        : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (file.toString().endsWith(".md")) {
                    pages.add(file);
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return pages.stream().sorted().toList();
    }
}
