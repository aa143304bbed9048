/* SPDX-License-Identifier: MIT
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
 *   X      refused, nothing can be compared        B  broken     V  vanished */
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

/* The columns of a row: three likenesses, each with the six kinds of record. */
static const struct {
    enum emqxi_record record;
    enum emqxi_before before;
} records[] = {
    {EMQXI_RECORD_NONE, EMQXI_BEFORE_DIFFERENT},
    {EMQXI_RECORD_OURS, EMQXI_BEFORE_DIFFERENT},
    {EMQXI_RECORD_INTENT, EMQXI_BEFORE_DIFFERENT},
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
                                        "UUUUUU ?W???U wWQQwU", /* pending */
                                        "UUUUUU ?W???U wWQQwU", /* unknown */
                                        "UUUUUU ?W???U wWQQwU"};
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
                                        "  UUU    ???    QQw ", "  UUU    ???    QQw ",
                                        "  UUU    ???    QQw "};
    expect_table((emqxi_facts){.readable = true, .lost = true}, table);
    /* it has written */
    expect_table((emqxi_facts){.readable = true, .lost = true, .flags = EMQX_TLS_FORCE}, table);
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
    static const char *const table[] = {" C                  ", " L                  ",
                                        " U                  ", " WUUU               ",
                                        " W???               ", " W???               ",
                                        " W???               "};
    static const char *const forced[] = {" C                  ", " L                  ",
                                         " U                  ", " U                  ",
                                         " U                  ", " U                  ",
                                         " U                  "};
    expect_table((emqxi_facts){.readable = true, .fresh = true}, table);
    expect_table((emqxi_facts){.readable = true, .fresh = true, .lost = true}, table);
    expect_table((emqxi_facts){.readable = true, .fresh = true, .flags = EMQX_TLS_FORCE}, forced);
}

static void what_a_probe_shows(void **state)
{
    (void)state;
    static const char *const proven[] = {"CCCCCC CCCCCC CCCCCC", "LLLLLL LLLLLL LLLLLL",
                                         "UUUUUU UUUUUU UUUUUU", "UUUUUU IIPPPU IIPPPU",
                                         "UUUUUU ?W???U wWQQwU", "UUUUUU ?W???U wWQQwU",
                                         "UUUUUU ?W???U wWQQwU"};
    static const char *const disproven[] = {"CCCCCC CCCCCC CCCCCC", "LLLLLL LLLLLL LLLLLL",
                                            "UUUUUU UUUUUU UUUUUU", "UUUUUU UIUUUU UIPUUU",
                                            "UUUUUU ?W???U wWQQwU", "UUUUUU ?W???U wWQQwU",
                                            "UUUUUU ?W???U wWQQwU"};
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
    facts.lost = true;
    assert_true(emqxi_decide(&facts).probe_helps);
    facts.likeness = EMQXI_DIFFERENT;
    assert_false(emqxi_decide(&facts).probe_helps);
}

/* -- after an accepted write ------------------------------------------------------------------- */

static char accepted(uint32_t state, enum emqxi_likeness likeness, enum emqxi_before before,
                     bool settled, bool before_failed)
{
    emqxi_facts f = {.state = state,
                     .likeness = likeness,
                     .record = EMQXI_RECORD_OURS,
                     .before = before,
                     .settled = settled,
                     .before_failed = before_failed,
                     .readable = true,
                     .earlier = true,
                     .flags = EMQX_TLS_FORCE,
                     .accepted = true};
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
                                      false, false),
                             expected[s]);
}

static void the_earlier_certificate_that_still_shows_is_no_success(void **state)
{
    (void)state;
    assert_int_equal(
        accepted(EMQX_TLS_STATE_RUNNING, EMQXI_DIFFERENT, EMQXI_BEFORE_DIFFERENT, true, false),
        'W');
    assert_int_equal(
        accepted(EMQX_TLS_STATE_FAILED, EMQXI_DIFFERENT, EMQXI_BEFORE_DIFFERENT, true, true), 'W');
    assert_int_equal(
        accepted(EMQX_TLS_STATE_FAILED, EMQXI_DIFFERENT, EMQXI_BEFORE_DIFFERENT, true, false), 'B');
    assert_int_equal(accepted(EMQX_TLS_STATE_FAILED, EMQXI_SAME, EMQXI_BEFORE_ALIKE, true, true),
                     'B');
}

static void one_that_looked_alike_counts_as_replaced_once_something_moved(void **state)
{
    (void)state;
    assert_int_equal(accepted(EMQX_TLS_STATE_RUNNING, EMQXI_SAME, EMQXI_BEFORE_ALIKE, false, false),
                     'W');
    assert_int_equal(accepted(EMQX_TLS_STATE_RUNNING, EMQXI_SAME, EMQXI_BEFORE_ALIKE, true, false),
                     'I');
}

/* -- likeness ---------------------------------------------------------------------------------- */

#define END 1931913600 /* 2031-03-22 02:40:00 UTC */

static emqx_tls_status told(const char *text, int64_t expire)
{
    emqx_tls_status s;
    emqx_tls_status_init(&s);
    s.expire = expire;
    strcpy(s.expire_text, text);
    return s;
}

static emqxi_identity wanted(void)
{
    return (emqxi_identity){.type = EMQX_TLS_TYPE_ONE_WAY,
                          .readable = true,
                          .not_after = END,
                          .common_name = "mqtt.example"};
}

static void the_same_second_is_the_same(void **state)
{
    (void)state;
    emqxi_identity w = wanted();
    emqx_tls_status s = told("2031-03-22 02:40:00", END);
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_SAME);
    s.expire = END + 1;
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_DIFFERENT);
    assert_true(emqxi_earlier(&s, &w, 0));
    s.expire = END - 1;
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_DIFFERENT);
    assert_false(emqxi_earlier(&s, &w, 0));
}

static void type_and_name_count_where_they_are_told(void **state)
{
    (void)state;
    emqxi_identity w = wanted();
    emqx_tls_status s = told("2031-03-22 02:40:00", END);
    strcpy(s.type_text, "two-way");
    s.type = EMQX_TLS_TYPE_TWO_WAY;
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_DIFFERENT);
    strcpy(s.type_text, "three-way");
    s.type = EMQX_TLS_TYPE_UNKNOWN;
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_DIFFERENT);
    strcpy(s.type_text, "one-way");
    s.type = EMQX_TLS_TYPE_ONE_WAY;
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_SAME);
    strcpy(s.common_name, "other.example");
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_DIFFERENT);
    strcpy(s.common_name, "MQTT.example");
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_SAME);
    strcpy(s.common_name, "other.example");
    w.common_name[0] = '\0'; /* a leaf without a name */
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_SAME);
}

static void without_an_end_nothing_is_the_same(void **state)
{
    (void)state;
    emqxi_identity w = wanted();
    emqx_tls_status s = told("soon", INT64_MIN);
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_UNTOLD);
    assert_false(emqxi_earlier(&s, &w, 0));
    s = told("2031-03-22 02:40:00", END);
    w.readable = false;
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_UNTOLD);
}

static void the_zone_shifts_what_is_told(void **state)
{
    (void)state;
    emqxi_identity w = wanted();
    emqx_tls_status s = told("2031-03-22 10:40:00", END + 8 * 3600);
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_DIFFERENT);
    assert_int_equal(emqxi_compare(&s, &w, 8 * 3600), EMQXI_SAME);
    assert_false(emqxi_earlier(&s, &w, 8 * 3600));
}

static void a_bare_date_is_compared_by_day(void **state)
{
    (void)state;
    const int64_t midnight = END - END % 86400;
    emqxi_identity w = wanted();
    emqx_tls_status s = told("2031-03-22", midnight);
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_SAME);
    assert_false(emqxi_earlier(&s, &w, 0));
    w.not_after = midnight + 86399;
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_SAME);
    w.not_after = midnight + 86400;
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_DIFFERENT);
    w.not_after = midnight - 1;
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_DIFFERENT);
    assert_true(emqxi_earlier(&s, &w, 0));
    assert_int_equal(emqxi_compare(&s, &w, 3600), EMQXI_SAME);
    w.not_after = -1; /* before 1970: the day before it */
    s = told("1969-12-31", -86400);
    assert_int_equal(emqxi_compare(&s, &w, 0), EMQXI_SAME);
}

static void a_zone_is_whole_quarter_hours_within_14_hours(void **state)
{
    (void)state;
    static const struct {
        int64_t difference;
        bool zone;
    } cases[] = {
        {0, true},          {5 * 3600 + 2700, true},  {-12 * 3600, true},        {14 * 3600, true},
        {-14 * 3600, true}, {14 * 3600 + 900, false}, {-14 * 3600 - 900, false}, {899, false},
        {901, false},       {3600 + 1, false}};
    emqxi_identity w = wanted();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        emqx_tls_status s = told("2031-03-22 00:00:00", END + cases[i].difference);
        int32_t zone = 1;
        assert_int_equal(emqxi_zone_of(&s, &w, 0, &zone), cases[i].zone);
        if (cases[i].zone)
            assert_int_equal(zone, cases[i].difference);
    }
}

static void of_a_bare_date_it_is_the_nearest_that_fits(void **state)
{
    (void)state;
    static const struct {
        int days;
        int32_t near, zone; /* 1: none fits */
    } cases[] = {{0, 0, 0},
                 {0, 21 * 900, 21 * 900},
                 {0, -3 * 3600, -2 * 3600 - 1800}, /* it ends at 2:40 */
                 {-1, 0, -2 * 3600 - 2700},
                 {-1, -5 * 3600, -5 * 3600},
                 {-1, 8 * 3600, -2 * 3600 - 2700},
                 {-2, 0, 1},
                 {1, 0, 1}};
    emqxi_identity w = wanted();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        emqx_tls_status s = told("2031-03-22", END - END % 86400 + cases[i].days * 86400);
        int32_t zone;
        assert_int_equal(emqxi_zone_of(&s, &w, cases[i].near, &zone), cases[i].zone != 1);
        if (cases[i].zone != 1)
            assert_int_equal(zone, cases[i].zone);
    }
    w.not_after += 10 * 3600; /* 12:40: the day after begins within 14 h */
    emqx_tls_status s = told("2031-03-23", END - END % 86400 + 86400);
    int32_t zone;
    assert_true(emqxi_zone_of(&s, &w, 0, &zone));
    assert_int_equal(zone, 11 * 3600 + 1800);
    assert_int_equal(emqxi_compare(&s, &w, zone), EMQXI_SAME);
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
        cmocka_unit_test(what_a_probe_shows),
        cmocka_unit_test(a_probe_is_asked_where_the_status_can_not_tell),
        cmocka_unit_test(an_accepted_write_is_the_last_one_whatever_is_read),
        cmocka_unit_test(the_earlier_certificate_that_still_shows_is_no_success),
        cmocka_unit_test(one_that_looked_alike_counts_as_replaced_once_something_moved),
        cmocka_unit_test(the_same_second_is_the_same),
        cmocka_unit_test(type_and_name_count_where_they_are_told),
        cmocka_unit_test(without_an_end_nothing_is_the_same),
        cmocka_unit_test(the_zone_shifts_what_is_told),
        cmocka_unit_test(a_bare_date_is_compared_by_day),
        cmocka_unit_test(a_zone_is_whole_quarter_hours_within_14_hours),
        cmocka_unit_test(of_a_bare_date_it_is_the_nearest_that_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
