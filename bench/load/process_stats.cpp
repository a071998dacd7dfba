// SPDX-License-Identifier: Apache-2.0
#include "load/process_stats.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace roomcast::bench {

namespace {

namespace fs = std::filesystem;

fs::path proc(pid_t pid) {
    return fs::path("/proc") / std::to_string(pid);
}

/// The first number of schedstat: nanoseconds on a CPU. 0 once the thread is gone.
Nanoseconds run_time(const fs::path& task) {
    std::ifstream file(task / "schedstat");
    Nanoseconds time = 0;
    file >> time;
    return time;
}

Nanoseconds process_run_time(pid_t pid) {
    Nanoseconds time = 0;
    std::error_code error;
    for (fs::directory_iterator task(proc(pid) / "task", error), end; !error && task != end;
         task.increment(error)) {
        time += run_time(task->path());
    }
    return time;
}

/// A field such as "Rss:" of smaps_rollup, which is in KiB.
std::int64_t field_bytes(const fs::path& path, const std::string& wanted) {
    std::ifstream file(path);
    for (std::string word; file >> word;) {
        std::int64_t value = 0;
        if (word == wanted && file >> value) return value * 1024;
    }
    return 0;
}

std::vector<pid_t> find_softirq_threads() {
    std::vector<pid_t> found;
    for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
        std::ifstream file(entry.path() / "comm");
        std::string name;
        if (file >> name && name.starts_with("ksoftirqd/")) {
            found.push_back(static_cast<pid_t>(std::stol(entry.path().filename())));
        }
    }
    return found;
}

}  // namespace

ProcessStats::ProcessStats(std::vector<pid_t> server, std::vector<pid_t> broker)
    : server_(std::move(server)),
      broker_(std::move(broker)),
      softirq_(find_softirq_threads()) {}

CpuSample ProcessStats::cpu() const {
    CpuSample sample;
    sample.wall = now_ns();
    for (const pid_t pid : server_)
        sample.server += process_run_time(pid);
    for (const pid_t pid : broker_)
        sample.broker += process_run_time(pid);
    for (const pid_t pid : softirq_)
        sample.softirq += run_time(proc(pid));
    sample.generator = process_run_time(::getpid());
    return sample;
}

MemorySample ProcessStats::memory() const {
    MemorySample sample;
    for (const pid_t pid : server_) {
        sample.rss_bytes += field_bytes(proc(pid) / "smaps_rollup", "Rss:");
        sample.pss_bytes += field_bytes(proc(pid) / "smaps_rollup", "Pss:");
    }
    return sample;
}

std::int64_t ProcessStats::rss_bytes() const {
    std::int64_t pages = 0;
    for (const pid_t pid : server_) {
        std::ifstream file(proc(pid) / "statm");
        std::int64_t virtual_pages = 0;
        std::int64_t resident_pages = 0;
        if (file >> virtual_pages >> resident_pages) pages += resident_pages;
    }
    return pages * ::sysconf(_SC_PAGESIZE);
}

std::int64_t ProcessStats::open_files() const {
    std::int64_t count = 0;
    for (const pid_t pid : server_) {
        std::error_code error;
        fs::directory_iterator files(proc(pid) / "fd", error);
        if (!error) count += std::distance(files, fs::directory_iterator());
    }
    return count;
}

}  // namespace roomcast::bench
