// SPDX-License-Identifier: Apache-2.0
#include "http/process_figures.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

namespace roomcast::http {
namespace {

double seconds_of(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::uint64_t read_resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    file >> size >> resident;
    return file ? resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

std::uint64_t count_open_fds() {
    std::error_code error;
    const std::filesystem::directory_iterator folder("/proc/self/fd", error);
    if (error) return 0;
    std::uint64_t count = 0;
    for (std::filesystem::directory_iterator entry = folder;
         !error && entry != std::filesystem::directory_iterator();
         entry.increment(error)) {
        ++count;
    }
    return count == 0 ? 0 : count - 1;  // less the one that reads the folder
}

/// Field 22 of /proc/self/stat, ticks since boot, on top of the time of boot.
double read_start_seconds() {
    std::ifstream stat("/proc/self/stat");
    const std::string line((std::istreambuf_iterator<char>(stat)), {});
    // The program's name, field 2, may hold blanks and parentheses: count from its end.
    const std::size_t name_end = line.rfind(')');
    if (name_end == std::string::npos) return 0;
    std::istringstream fields(line.substr(name_end + 1));
    std::string skipped;
    for (int field = 3; field < 22; ++field)
        fields >> skipped;
    double ticks = 0;
    fields >> ticks;

    std::ifstream boot("/proc/stat");
    std::string word;
    double boot_seconds = 0;
    while (boot >> word) {
        if (word == "btime") {
            boot >> boot_seconds;
            break;
        }
    }
    if (!fields || boot_seconds == 0) return 0;
    return boot_seconds + ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

ProcessFigures read_process_figures() {
    ProcessFigures figures;
    figures.resident_bytes = read_resident_bytes();
    figures.open_fds = count_open_fds();
    figures.start_seconds = read_start_seconds();
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) figures.max_fds = limit.rlim_cur;
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        figures.cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    }
    return figures;
}

}  // namespace roomcast::http
