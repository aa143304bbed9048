/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * The system's cmocka.h, with what cmocka 2 has other names for, and without the name that it takes
 * from everybody.
 */
#pragma GCC system_header
#include_next <cmocka.h>

#ifdef assert_uint_in_range
#undef assert_in_range
#define assert_in_range(value, minimum, maximum) assert_uint_in_range(value, minimum, maximum)
#endif
#undef stop
