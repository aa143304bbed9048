/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What ensure makes of every state, likeness, receipt, probe and write of its own: the table of its
 * decisions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "provision/decide.h"

/* Decisions as letters; a capital one is certain, or shown.
 *   i I P  in place: by the status, by the receipt, and the write in doubt was carried out
 *   w W Q  coming: the same three
 *   ?      unclear, wait until it can be told      L  leaving, wait until it is gone
 *   C      create u U update: can't be told (a probe could), needed
 *   !      unsure about this call's write          E  refused, it ends earlier
 *   X N    refused: the leaf can't be read, nothing told can be compared
 *   B      broken     V  vanished */
static char letter(const emqxi_decision *d)
{
    switch (d->verdict) {
    case EMQXI_IN_PLACE:
        return d->carried_out ? 'P' : d->certain ? 'I' : 'i';
    case EMQXI_COMING:
        return d->carried_out ? 'Q' : d->certain ? 'W' : 'w';
    case EMQXI_UNCLEAR:
        return '?';
    case EMQXI_LEAVING:
        return 'L';
    case EMQXI_CREATE:
        return 'C';
    case EMQXI_UPDATE:
        return d->probe_helps ? 'u' : 'U';
    case EMQXI_UNSURE:
        return '!';
    case EMQXI_EARLIER:
        return 'E';
    case EMQXI_ILLEGIBLE:
        return 'X';
    case EMQXI_INCOMPARABLE:
        return 'N';
    case EMQXI_BROKEN:
        return 'B';
    case EMQXI_VANISHED:
        return 'V';
    }
    return 0;
}

static const uint32_t states[] = {EMQX_TLS_STATE_ABSENT,  EMQX_TLS_STATE_TERMINATED,
                                  EMQX_TLS_STATE_FAILED,  EMQX_TLS_STATE_RUNNING,
                                  EMQX_TLS_STATE_PENDING, EMQX_TLS_STATE_UNKNOWN,
                                  EMQX_TLS_STATE_OTHER};
static const char *const state_names[] = {"absent",  "terminated", "failed", "running",
                                          "pending", "unknown",    "other"};

/* The columns of a row: three likenesses, each with the six kinds of record; what was in place
 * before an intent was different and not over, alike and running, alike and not over. */
static const struct {
    enum emqxi_recorded record;
    enum emqxi_before before;
} records[] = {
    {EMQXI_RECORD_NONE, EMQXI_BEFORE_DIFFERENT},
    {EMQXI_RECORD_OURS, EMQXI_BEFORE_DIFFERENT},
    {EMQXI_RECORD_INTENT, EMQXI_BEFORE_DIFFERENT_UNFINISHED},
    {EMQXI_RECORD_INTENT, EMQXI_BEFORE_ALIKE},
    {EMQXI_RECORD_INTENT, EMQXI_BEFORE_ALIKE_UNFINISHED},
    {EMQXI_RECORD_OTHER, EMQXI_BEFORE_DIFFERENT},
};

/* A blank in the table is a combination that can't be. */
static void expect_table(emqxi_facts facts, const char *const table[7])
{
    for (size_t s = 0; s < 7; s++)
        for (size_t column = 0; column < 18; column++) {
            const char *row = table[s];
            char wanted = row[column + column / 6]; /* groups are parted by a blank */
            facts.state = states[s];
            facts.likeness = (enum emqxi_likeness)(column / 6);
            facts.record = records[column % 6].record;
            facts.before = records[column % 6].before;
            emqxi_decision d = emqxi_decide(&facts);
            if (wanted != ' ' && letter(&d) != wanted)
                fail_msg("%s, likeness %zu, record %zu: %c where %c was expected", state_names[s],
                         column / 6, column % 6, letter(&d), wanted);
        }
}

static void before_any_write(void **state)
{
    (void)state;
    /*                                    different untold same */
    static const char *const table[] = {"CCCCCC CCCCCC CCCCCC", /* absent */
                                        "LLLLLL LLLLLL LLLLLL", /* terminated */
                                        "UUUUUU UUUUUU UUUUUU", /* failed */
                                        "UUUUUU uIuuuU iIPuuU", /* running */
                                        "UUUUUU ?W?Q?U wWQQwU", /* pending */
                                        "UUUUUU ?W?Q?U wWQQwU", /* unknown */
                                        "UUUUUU ?W?Q?U wWQQwU"};
    expect_table((emqxi_facts){.readable = true}, table);
}

static void force_writes_over_all_that_exists(void **state)
{
    (void)state;
    static const char *const table[] = {"CCCCCC CCCCCC CCCCCC", "LLLLLL LLLLLL LLLLLL",
                                        "UUUUUU UUUUUU UUUUUU", "UUUUUU UUUUUU UUUUUU",
                                        "UUUUUU UUUUUU UUUUUU", "UUUUUU UUUUUU UUUUUU",
                                        "UUUUUU UUUUUU UUUUUU"};
    expect_table((emqxi_facts){.readable = true, .flags = EMQX_TLS_FORCE}, table);
}

static void an_earlier_end_is_refused_wherever_something_would_be_replaced(void **state)
{
    (void)state;
    static const char *const refused[] = {"CCCCCC CCCCCC CCCCCC",  "LLLLLL LLLLLL LLLLLL",
                                          "EEEEEE               ", "EEEEEE               ",
                                          "EEEEEE               ", "EEEEEE               ",
                                          "EEEEEE               "};
    static const char *const allowed[] = {"CCCCCC CCCCCC CCCCCC",  "LLLLLL LLLLLL LLLLLL",
                                          "UUUUUU               ", "UUUUUU               ",
                                          "UUUUUU               ", "UUUUUU               ",
                                          "UUUUUU               "};
    expect_table((emqxi_facts){.readable = true, .earlier = true}, refused);
    expect_table((emqxi_facts){.readable = true, .earlier = true, .flags = EMQX_TLS_FORCE},
                 refused);
    expect_table((emqxi_facts){.readable = true, .earlier = true, .flags = EMQX_TLS_ALLOW_EARLIER},
                 allowed);
}

static void after_a_write_that_got_lost(void **state)
{
    (void)state;
    static const char *const table[] = {"  CCC    CCC    CCC ", "  LLL    LLL    LLL ",
                                        "  UUU    BBB    BBB ", "  UUU    !!!    P!! ",
                                        "  UUU    ?Q?    QQw ", "  UUU    ?Q?    QQw ",
                                        "  UUU    ?Q?    QQw "};
    expect_table((emqxi_facts){.readable = true, .fate = EMQXI_FATE_LOST}, table);
    /* it has written */
    expect_table((emqxi_facts){.readable = true, .fate = EMQXI_FATE_LOST, .flags = EMQX_TLS_FORCE},
                 table);
}

static void without_a_leaf_that_can_be_read_nothing_is_written_over(void **state)
{
    (void)state;
    static const char *const table[] = {"CCCCCC CCCCCC       ", "LLLLLL LLLLLL       ",
                                        "UUUUUU UUUUUU       ", "U      X            ",
                                        "U      X            ", "U      X            ",
                                        "U      X            "};
    expect_table((emqxi_facts){.readable = false}, table);
}

/* The platform took a write of an earlier call, and does not show it yet: it is not repeated. */
static void after_a_write_of_an_earlier_call_that_does_not_show_yet(void **state)
{
    (void)state;
    static const char *const table[] = {"CWCCC? CWCCC? CWCCC?", " L                  ",
                                        " U                  ", " WUUU               ",
                                        " W???               ", " W???               ",
                                        " W???               "};
    static const char *const forced[] = {"CWCCC? CWCCC? CWCCC?", " L                  ",
                                         " U                  ", " U                  ",
                                         " U                  ", " U                  ",
                                         " U                  "};
    expect_table((emqxi_facts){.readable = true, .stale = true}, table);
    expect_table((emqxi_facts){.readable = true, .stale = true, .fate = EMQXI_FATE_LOST}, table);
    expect_table((emqxi_facts){.readable = true, .stale = true, .flags = EMQX_TLS_FORCE}, forced);
}

static char one(emqxi_facts facts)
{
    facts.readable = true;
    emqxi_decision d = emqxi_decide(&facts);
    return letter(&d);
}

/* Of a write over "failed" two things are known: failed may be the one before, running can't. */
static void a_write_over_failed(void **state)
{
    (void)state;
    emqxi_facts f = {.state = EMQX_TLS_STATE_FAILED,
                     .likeness = EMQXI_SAME,
                     .record = EMQXI_RECORD_INTENT,
                     .before = EMQXI_BEFORE_ALIKE_FAILED,
                     .fate = EMQXI_FATE_LOST};
    assert_int_equal(one(f), '!');
    f.before = EMQXI_BEFORE_ALIKE;
    assert_int_equal(one(f), 'B');
    f.before = EMQXI_BEFORE_ALIKE_FAILED;
    f.fate = EMQXI_FATE_NONE;
    f.state = EMQX_TLS_STATE_RUNNING;
    assert_int_equal(one(f), 'P');
    f.likeness = EMQXI_UNTOLD;
    assert_int_equal(one(f), 'P');
    f.likeness = EMQXI_DIFFERENT;
    assert_int_equal(one(f), 'U');
    f = (emqxi_facts){.state = EMQX_TLS_STATE_FAILED,
                      .likeness = EMQXI_DIFFERENT,
                      .record = EMQXI_RECORD_OURS,
                      .before = EMQXI_BEFORE_DIFFERENT_FAILED,
                      .stale = true};
    assert_int_equal(one(f), 'W');
    f.before = EMQXI_BEFORE_DIFFERENT;
    assert_int_equal(one(f), 'U');
}

/* For a minute what ran before a write may still run, also where an earlier call wrote. */
static void one_that_looked_alike_is_not_in_place_at_once(void **state)
{
    (void)state;
    emqxi_facts f = {.state = EMQX_TLS_STATE_RUNNING,
                     .likeness = EMQXI_SAME,
                     .record = EMQXI_RECORD_OURS,
                     .before = EMQXI_BEFORE_ALIKE,
                     .young = true};
    assert_int_equal(one(f), 'W');
    f.before = EMQXI_BEFORE_ALIKE_FAILED;
    assert_int_equal(one(f), 'I');
    f.before = EMQXI_BEFORE_ALIKE_UNFINISHED;
    assert_int_equal(one(f), 'W');
    f.young = false;
    assert_int_equal(one(f), 'I');
}

static void where_nothing_can_be_compared_nothing_is_written_again_and_again(void **state)
{
    (void)state;
    emqxi_facts f = {.state = EMQX_TLS_STATE_RUNNING, .likeness = EMQXI_UNTOLD, .forgetful = true};
    assert_int_equal(one(f), 'N');
    f.probe = EMQXI_PROBE_SILENT;
    assert_int_equal(one(f), 'N');
    f.probe = EMQXI_PROBE_DISPROVES;
    assert_int_equal(one(f), 'U');
    f.probe = EMQXI_PROBE_MATCHES;
    assert_int_equal(one(f), 'i');
    f.flags = EMQX_TLS_FORCE;
    assert_int_equal(one(f), 'U');
    f.flags = 0;
    f.probe = EMQXI_PROBE_UNASKED;
    f.likeness = EMQXI_DIFFERENT;
    assert_int_equal(one(f), 'U');
}

static void what_a_probe_shows(void **state)
{
    (void)state;
    static const char *const proven[] = {"CCCCCC CCCCCC CCCCCC", "LLLLLL LLLLLL LLLLLL",
                                         "UUUUUU UUUUUU UUUUUU", "UUUUUU IIPPPU IIPPPU",
                                         "UUUUUU ?W?Q?U wWQQwU", "UUUUUU ?W?Q?U wWQQwU",
                                         "UUUUUU ?W?Q?U wWQQwU"};
    static const char *const disproven[] = {"CCCCCC CCCCCC CCCCCC", "LLLLLL LLLLLL LLLLLL",
                                            "UUUUUU UUUUUU UUUUUU", "UUUUUU UIUUUU UIPUUU",
                                            "UUUUUU ?W?Q?U wWQQwU", "UUUUUU ?W?Q?U wWQQwU",
                                            "UUUUUU ?W?Q?U wWQQwU"};
    expect_table((emqxi_facts){.readable = true, .probe = EMQXI_PROBE_PROVES}, proven);
    expect_table((emqxi_facts){.readable = true, .probe = EMQXI_PROBE_DISPROVES}, disproven);
}

static void a_probe_is_asked_where_the_status_can_not_tell(void **state)
{
    (void)state;
    emqxi_facts facts = {.state = EMQX_TLS_STATE_RUNNING, .likeness = EMQXI_SAME, .readable = true};
    assert_true(emqxi_decide(&facts).probe_helps);
    facts.record = EMQXI_RECORD_OURS;
    assert_false(emqxi_decide(&facts).probe_helps);
    facts.record = EMQXI_RECORD_INTENT;
    facts.before = EMQXI_BEFORE_ALIKE;
    facts.fate = EMQXI_FATE_LOST;
    assert_true(emqxi_decide(&facts).probe_helps);
    facts.likeness = EMQXI_DIFFERENT;
    assert_false(emqxi_decide(&facts).probe_helps);
}

/* -- after an accepted write ------------------------------------------------------------------- */

static char accepted(uint32_t state, enum emqxi_likeness likeness, enum emqxi_before before,
                     enum emqxi_fate fate)
{
    emqxi_facts f = {.state = state,
                     .likeness = likeness,
                     .record = EMQXI_RECORD_OURS,
                     .before = before,
                     .fate = fate,
                     .readable = true,
                     .earlier = true,
                     .flags = EMQX_TLS_FORCE};
    emqxi_decision d = emqxi_decide(&f);
    return letter(&d);
}

static void an_accepted_write_is_the_last_one_whatever_is_read(void **state)
{
    (void)state;
    static const char expected[7] = {'V', 'W', 'B', 'I', 'W', 'W', 'W'};
    for (size_t s = 0; s < 7; s++)
        for (int like = EMQXI_UNTOLD; like <= EMQXI_SAME; like++)
            assert_int_equal(accepted(states[s], (enum emqxi_likeness)like, EMQXI_BEFORE_DIFFERENT,
                                      EMQXI_FATE_ACCEPTED),
                             expected[s]);
}

static void nothing_there_is_no_end_while_reads_may_lag(void **state)
{
    (void)state;
    emqxi_facts f = {.state = EMQX_TLS_STATE_ABSENT,
                     .record = EMQXI_RECORD_OURS,
                     .fate = EMQXI_FATE_ACCEPTED,
                     .stale = true};
    assert_int_equal(one(f), 'W');
    f.stale = false;
    assert_int_equal(one(f), 'V');
}

static void the_earlier_certificate_that_still_shows_is_no_success(void **state)
{
    (void)state;
    assert_int_equal(accepted(EMQX_TLS_STATE_RUNNING, EMQXI_DIFFERENT, EMQXI_BEFORE_DIFFERENT,
                              EMQXI_FATE_SETTLED),
                     'W');
    assert_int_equal(accepted(EMQX_TLS_STATE_FAILED, EMQXI_DIFFERENT, EMQXI_BEFORE_DIFFERENT_FAILED,
                              EMQXI_FATE_SETTLED),
                     'W');
    assert_int_equal(accepted(EMQX_TLS_STATE_FAILED, EMQXI_DIFFERENT, EMQXI_BEFORE_DIFFERENT,
                              EMQXI_FATE_SETTLED),
                     'B');
    assert_int_equal(
        accepted(EMQX_TLS_STATE_FAILED, EMQXI_SAME, EMQXI_BEFORE_ALIKE_FAILED, EMQXI_FATE_SETTLED),
        'B');
}

static void one_that_looked_alike_counts_as_replaced_once_something_moved(void **state)
{
    (void)state;
    assert_int_equal(
        accepted(EMQX_TLS_STATE_RUNNING, EMQXI_SAME, EMQXI_BEFORE_ALIKE, EMQXI_FATE_ACCEPTED), 'W');
    assert_int_equal(
        accepted(EMQX_TLS_STATE_RUNNING, EMQXI_SAME, EMQXI_BEFORE_ALIKE, EMQXI_FATE_SETTLED), 'I');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_any_write),
        cmocka_unit_test(force_writes_over_all_that_exists),
        cmocka_unit_test(an_earlier_end_is_refused_wherever_something_would_be_replaced),
        cmocka_unit_test(after_a_write_that_got_lost),
        cmocka_unit_test(without_a_leaf_that_can_be_read_nothing_is_written_over),
        cmocka_unit_test(after_a_write_of_an_earlier_call_that_does_not_show_yet),
        cmocka_unit_test(a_write_over_failed),
        cmocka_unit_test(one_that_looked_alike_is_not_in_place_at_once),
        cmocka_unit_test(where_nothing_can_be_compared_nothing_is_written_again_and_again),
        cmocka_unit_test(what_a_probe_shows),
        cmocka_unit_test(a_probe_is_asked_where_the_status_can_not_tell),
        cmocka_unit_test(an_accepted_write_is_the_last_one_whatever_is_read),
        cmocka_unit_test(nothing_there_is_no_end_while_reads_may_lag),
        cmocka_unit_test(the_earlier_certificate_that_still_shows_is_no_success),
        cmocka_unit_test(one_that_looked_alike_counts_as_replaced_once_something_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
