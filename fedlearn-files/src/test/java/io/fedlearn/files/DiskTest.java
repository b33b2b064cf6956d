package io.fedlearn.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DiskTest {
    @TempDir
    private Path folder;

    @Test
    void createsDirectoriesThatSomebodyElseCreatesAtTheSameMoment() throws IOException {
        Path inner = folder.resolve("sites").resolve("site-a");
        // Between the look and the creation, as another store's opening does it.
        Disk disk = new Disk(
                (what, path) -> {
                    if (what.equals("create") && path.equals(inner.getParent())) {
                        Files.createDirectory(inner);
                    }
                },
                false);

        disk.createDirectories(inner);

        assertThat(inner).isDirectory();
    }

    @Test
    void createsNoDirectoryWhereAFileIs() throws IOException {
        Path file = Files.createFile(folder.resolve("sites"));

        assertThatThrownBy(() -> Disk.unsynced().createDirectories(file))
                .isInstanceOf(FileAlreadyExistsException.class);
    }
}
