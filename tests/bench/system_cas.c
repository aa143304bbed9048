/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * In the place of libcurl's own, so that a folder of the benchmark's counts as the one where
 * libcurl was built to find the system's CA certificates.
 */
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdlib.h>

curl_version_info_data *curl_version_info(CURLversion age)
{
    static curl_version_info_data told;
    curl_version_info_data *(*libcurls)(CURLversion);
    *(void **)&libcurls = dlsym(RTLD_NEXT, "curl_version_info");
    told = *libcurls(age);
    if (getenv("BENCH_CA_FOLDER"))
        told.capath = getenv("BENCH_CA_FOLDER");
    return &told;
}
