// SPDX-License-Identifier: Apache-2.0
// ThreadSanitizer of these compilers does not know the threads and locks of C11, which librdkafka
// uses: a program that loads it would crash. In builds with that sanitizer these stand before those
// of the C library, whose types they share, and lead to the POSIX ones that it knows.
#include <cerrno>
#include <cstdint>
#include <memory>

#include <pthread.h>
#include <threads.h>

namespace {

static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t) && sizeof(cnd_t) == sizeof(pthread_cond_t));

struct Start {
    thrd_start_t run;
    void* argument;
};

void* run(void* start) {
    const std::unique_ptr<Start> taken(static_cast<Start*>(start));
    return reinterpret_cast<void*>(static_cast<std::intptr_t>(taken->run(taken->argument)));
}

int to_result(int error) {
    if (error == 0) return thrd_success;
    if (error == ETIMEDOUT) return thrd_timedout;
    return error == EBUSY ? thrd_busy : thrd_error;
}

pthread_mutex_t* posix(mtx_t* mutex) {
    return reinterpret_cast<pthread_mutex_t*>(mutex);
}

pthread_cond_t* posix(cnd_t* condition) {
    return reinterpret_cast<pthread_cond_t*>(condition);
}

}  // namespace

extern "C" {

int thrd_create(thrd_t* thread, thrd_start_t start, void* argument) {
    auto shared = std::make_unique<Start>(Start{start, argument});
    const int error = ::pthread_create(thread, nullptr, run, shared.get());
    if (error == 0) (void)shared.release();  // the thread's
    return to_result(error);
}

int thrd_join(thrd_t thread, int* result) {
    void* value = nullptr;
    const int error = ::pthread_join(thread, &value);
    if (result) *result = static_cast<int>(reinterpret_cast<std::intptr_t>(value));
    return to_result(error);
}

int mtx_init(mtx_t* mutex, int type) {
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    if ((type & mtx_recursive) != 0) {
        ::pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    }
    const int error = ::pthread_mutex_init(posix(mutex), &attributes);
    ::pthread_mutexattr_destroy(&attributes);
    return to_result(error);
}

void mtx_destroy(mtx_t* mutex) {
    ::pthread_mutex_destroy(posix(mutex));
}

int mtx_lock(mtx_t* mutex) {
    return to_result(::pthread_mutex_lock(posix(mutex)));
}

int mtx_unlock(mtx_t* mutex) {
    return to_result(::pthread_mutex_unlock(posix(mutex)));
}

int cnd_init(cnd_t* condition) {
    return to_result(::pthread_cond_init(posix(condition), nullptr));
}

void cnd_destroy(cnd_t* condition) {
    ::pthread_cond_destroy(posix(condition));
}

int cnd_signal(cnd_t* condition) {
    return to_result(::pthread_cond_signal(posix(condition)));
}

int cnd_broadcast(cnd_t* condition) {
    return to_result(::pthread_cond_broadcast(posix(condition)));
}

int cnd_wait(cnd_t* condition, mtx_t* mutex) {
    return to_result(::pthread_cond_wait(posix(condition), posix(mutex)));
}

int cnd_timedwait(cnd_t* condition, mtx_t* mutex, const timespec* time) {
    return to_result(::pthread_cond_timedwait(posix(condition), posix(mutex), time));
}

}  // extern "C"
