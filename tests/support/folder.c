/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool make(char folder[FOLDER_SIZE], const char *where, const char *name)
{
    snprintf(folder, FOLDER_SIZE, "%s/emqxtls-%s-XXXXXX", where, name);
    return mkdtemp(folder) != NULL;
}

bool folder_make(char folder[FOLDER_SIZE], const char *name)
{
    return make(folder, "/tmp", name);
}

bool folder_make_in_memory(char folder[FOLDER_SIZE], const char *name)
{
    return make(folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", name);
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *at)
{
    (void)s, (void)type;
    if (at->level > 0)
        remove(path);
    return 0;
}

void folder_empty(const char *folder)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void folder_remove(const char *folder)
{
    folder_empty(folder);
    rmdir(folder);
}
