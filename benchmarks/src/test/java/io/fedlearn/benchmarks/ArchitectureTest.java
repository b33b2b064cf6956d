package io.fedlearn.benchmarks;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Holds which module may use which, and that packages form no cycle.
 *
 * <p>It lives in the benchmarks because they come last in the build: here alone all modules are on the class path.
 */
final class ArchitectureTest {
    /** What each module may use beside itself and the libraries its pom names. A row may wait for its module. */
    private static final Map<String, List<String>> MAY_USE = Map.ofEntries(
            entry("core", List.of()),
            entry("aggregators", List.of("core")),
            entry("models", List.of("core")),
            entry("privacy", List.of("core")),
            entry("formats", List.of("core")),
            entry("files", List.of("core", "formats")),
            entry("pg", List.of("core", "formats", "privacy")),
            entry("grpc", List.of("core", "formats")),
            entry("dl4j", List.of("core")),
            entry("luna16", List.of("core", "formats", "dl4j")),
            entry("testkit", List.of("core")));

    /** May use every module, and no module may use them. */
    private static final List<String> PROGRAMS = List.of("examples", "benchmarks");

    /** Made of the JDK and FedLearn only: they bring their user no third-party jar. */
    private static final List<String> WITHOUT_LIBRARIES = List.of("core", "aggregators", "models", "privacy");

    private static final Pattern MODULE = Pattern.compile("<module>(?:fedlearn-)?([a-z0-9-]+)</module>");

    private static JavaClasses all;

    @BeforeAll
    static void importAll() {
        all = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .withImportOption(ArchitectureTest::isWritten)
                .importPackages("io.fedlearn");
    }

    @Test
    void seesTheClassesOfEveryModule() throws IOException {
        for (String module : presentModules()) {
            assertThat(all.stream().anyMatch(type -> isIn(module, type.getPackageName())))
                    .as("classes of module %s are on the class path of this test", module)
                    .isTrue();
        }
    }

    @Test
    void knowsARuleForEveryModule() throws IOException {
        assertThat(presentModules())
                .isNotEmpty()
                .allSatisfy(module -> assertThat(MAY_USE.containsKey(module) || PROGRAMS.contains(module))
                        .as("module %s has a row in the table", module)
                        .isTrue());
    }

    @Test
    void everyClassBelongsToAModule() {
        classes()
                .should()
                .resideInAnyPackage(packagesOf(Stream.concat(MAY_USE.keySet().stream(), PROGRAMS.stream())
                        .toList()))
                .check(all);
    }

    @Test
    void modulesUseOnlyWhatTheTableAllows() {
        MAY_USE.forEach((module, allowed) -> {
            List<String> forbidden = new ArrayList<>(PROGRAMS);
            for (String other : new TreeSet<>(MAY_USE.keySet())) {
                if (!other.equals(module) && !allowed.contains(other)) {
                    forbidden.add(other);
                }
            }
            noClasses()
                    .that()
                    .resideInAPackage(packageOf(module))
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(packagesOf(forbidden))
                    .because("the module table lets " + module + " use " + allowed + " only")
                    .allowEmptyShould(true) // modules to come
                    .check(all);
        });
    }

    @Test
    void modulesWithoutLibrariesUseTheJdkOnly() {
        for (String module : WITHOUT_LIBRARIES) {
            List<String> allowed = new ArrayList<>(List.of(packagesOf(MAY_USE.getOrDefault(module, List.of()))));
            allowed.addAll(List.of(packageOf(module), "java..", "javax.crypto..", "org.jspecify.annotations"));
            classes()
                    .that()
                    .resideInAPackage(packageOf(module))
                    .should()
                    .onlyDependOnClassesThat()
                    .resideInAnyPackage(allowed.toArray(String[]::new))
                    .allowEmptyShould(true)
                    .check(all);
        }
    }

    @Test
    void packagesFormNoCycle() {
        slices().matching("io.fedlearn.(**)").should().beFreeOfCycles().check(all);
    }

    private static Set<String> presentModules() throws IOException {
        Matcher modules = MODULE.matcher(Files.readString(Path.of("..", "pom.xml")));
        Set<String> names = new TreeSet<>();
        while (modules.find()) {
            names.add(modules.group(1));
        }
        names.remove("bom");
        return names;
    }

    /** Whether a class comes from our own sources: JMH writes classes of its own beside the benchmarks. */
    private static boolean isWritten(Location location) {
        return !location.contains("/jmh_generated/");
    }

    private static boolean isIn(String module, String packageName) {
        String root = "io.fedlearn." + module;
        return packageName.equals(root) || packageName.startsWith(root + ".");
    }

    private static String packageOf(String module) {
        return "io.fedlearn." + module + "..";
    }

    private static String[] packagesOf(List<String> modules) {
        return modules.stream().map(ArchitectureTest::packageOf).toArray(String[]::new);
    }
}
