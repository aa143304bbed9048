/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "story.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CHOICES_MAX 4096
#define WELL        4 /* of five choices that are drawn, so many go well */

typedef struct choice {
    uint16_t among, taken;
} choice;

static choice choices[CHOICES_MAX];
static unsigned count, at;
static bool draws, tells;
static uint64_t seed, random_state;
static const char *broken;
uint64_t story_count, story_choices;

static uint64_t draw(uint64_t n) /* xorshift64* */
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (seed * UINT64_C(0x2545F4914F6CDD1D) >> 32) % n;
}

unsigned story_choose(const char *const *names)
{
    uint16_t among = 0;
    while (names[among])
        among++;
    if (at == CHOICES_MAX) {
        story_broken("a call goes on for ever");
        return 0;
    }
    choice *c = &choices[at++];
    if (at > count) {
        bool well = !draws || draw(WELL + 1) < WELL;
        *c = (choice){among, well ? 0 : (uint16_t)draw(among)};
        count = at;
    }
    if (c->among != among) {
        fputs("story: the program does not do the same twice\n", stderr);
        abort();
    }
    story_choices++;
    story_note("%s", names[c->taken]);
    return c->taken;
}

uint64_t story_random(void)
{
    return random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
}

void story_note(const char *format, ...)
{
    va_list arguments;
    if (!tells)
        return;
    va_start(arguments, format);
    printf("    ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

void story_broken(const char *what)
{
    if (!broken)
        broken = what;
}

bool story_is_broken(void)
{
    return broken != NULL;
}

/* The next story: the last choice that may have another answer has it. */
static bool go_on(unsigned faults)
{
    unsigned there = 0;
    for (unsigned i = 0; i < count; i++)
        there += choices[i].taken != 0;
    for (; count > 0; count--) {
        choice *last = &choices[count - 1];
        if (last->taken + 1 < last->among && (last->taken != 0 || there < faults)) {
            last->taken++;
            return true;
        }
        there -= last->taken != 0;
    }
    return false;
}

static bool play_once(void (*program)(void), const char *name)
{
    at = 0;
    random_state = 1;
    story_count++;
    program();
    if (!broken)
        return true;
    printf("%s: broken: %s\n", name, broken);
    broken = NULL;
    tells = true;
    at = 0;
    random_state = 1;
    program();
    tells = false;
    broken = NULL;
    return false;
}

bool story_play(void (*program)(void), unsigned faults, uint64_t drawn, const char *name)
{
    draws = false;
    for (unsigned n = 0; n <= faults; n++) {
        count = 0;
        do {
            if (!play_once(program, name))
                return false;
        } while (go_on(n));
    }
    draws = true;
    for (seed = 1; drawn > 0; drawn--) {
        count = 0;
        if (!play_once(program, name))
            return false;
    }
    return true;
}
