/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Gives every file of the folders named to the fuzz target: the corpus as a plain test, without a
 * fuzzer.
 */
#include <dirent.h>
#include <errno.h>

#include "fuzz.h"

/* Into memory of the exact size, so that a sanitizer sees a read behind the end. */
static void replay(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    HOLDS(file && fseek(file, 0, SEEK_END) == 0);
    long size = ftell(file);
    HOLDS(size >= 0);
    rewind(file);
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    HOLDS(data && fread(data, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        struct dirent *entry;
        DIR *folder = opendir(argv[i]);
        if (!folder) {
            fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
            return 1;
        }
        while ((entry = readdir(folder))) {
            if (entry->d_name[0] == '.')
                continue;
            replay(argv[i], entry->d_name);
            count++;
        }
        closedir(folder);
    }
    printf("%zu inputs\n", count);
    return count == 0;
}
