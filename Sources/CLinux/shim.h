#ifndef SLUICE_CLINUX_SHIM_H
#define SLUICE_CLINUX_SHIM_H

// What the Glibc overlay of Swift does not offer. Includes, and one static inline function for each macro or
// function that Swift cannot import; no logic.
//
// _GNU_SOURCE must not be defined here: the importer reads Glibc's own module without it, and types that then differ
// (fd_set, the constants of getrusage) are refused wherever both modules meet. What it hides is declared below.

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// accept4 is declared only under _GNU_SOURCE, which the importer does not define for Glibc.
extern int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);

static inline int sluice_accept4(int fd, struct sockaddr *address, socklen_t *length) {
    return accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

// sem_clockwait: as above; glibc 2.30 and newer.
extern int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until);

static inline int sluice_semaphore_wait(sem_t *semaphore, const struct timespec *until) {
    return sem_clockwait(semaphore, CLOCK_MONOTONIC, until);
}

// EPOLL_EVENTS is an enum whose members arrive as a distinct type, and EPOLLET overflows it.
static const uint32_t sluice_EPOLLIN = EPOLLIN;
static const uint32_t sluice_EPOLLOUT = EPOLLOUT;
static const uint32_t sluice_EPOLLRDHUP = EPOLLRDHUP;
static const uint32_t sluice_EPOLLHUP = EPOLLHUP;
static const uint32_t sluice_EPOLLERR = EPOLLERR;
static const uint32_t sluice_EPOLLET = 1u << 31;
static const uint32_t sluice_EPOLLEXCLUSIVE = 1u << 28;

// Flags that arrive as enum values.
static const int sluice_SOCK_STREAM = SOCK_STREAM;
static const int sluice_SOCK_CLOEXEC_NONBLOCK = SOCK_CLOEXEC | SOCK_NONBLOCK;
static const int sluice_IPPROTO_TCP = IPPROTO_TCP;
static const int sluice_SO_REUSEPORT = SO_REUSEPORT;
static const int sluice_IPPROTO_IPV6 = IPPROTO_IPV6;
static const int sluice_MSG_NOSIGNAL = MSG_NOSIGNAL;
static const int sluice_MSG_PEEK = MSG_PEEK;
static const int sluice_EFD_FLAGS = EFD_CLOEXEC | EFD_NONBLOCK;
static const int sluice_EPOLL_CLOEXEC = EPOLL_CLOEXEC;

// fcntl is variadic.
static inline int sluice_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? flags : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static inline int sluice_set_close_on_exec(int fd) {
    int flags = fcntl(fd, F_GETFD);
    return flags < 0 ? flags : fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

// ioctl is variadic. Bytes that the peer's kernel has not acknowledged. What a unix socket has taken is with its peer, who
// gets it however the socket ends; there the count would be of what the peer has not read.
static inline int sluice_unacknowledged(int fd) {
    int count = 0, domain = 0;
    socklen_t length = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_UNIX) return 0;
    return ioctl(fd, SIOCOUTQ, &count) == 0 ? count : 0;
}

// S_ISSOCK is a macro.
static inline int sluice_is_socket(const struct stat *status) {
    return S_ISSOCK(status->st_mode);
}

// pthread_setname_np is declared only under _GNU_SOURCE.
extern int pthread_setname_np(pthread_t thread, const char *name);
static inline void sluice_name_thread(const char *name) {
    pthread_setname_np(pthread_self(), name);
}

// sched_getaffinity and CPU_COUNT are declared only under _GNU_SOURCE. The kernel fills whole words; 8192 CPUs have room.
extern int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
static inline int sluice_usable_cpus(void) {
    unsigned long words[128] = {0};
    if (sched_getaffinity(0, sizeof words, (cpu_set_t *)words) != 0) return 1;
    int count = 0;
    for (size_t index = 0; index < sizeof words / sizeof *words; index++) count += __builtin_popcountl(words[index]);
    return count;
}

#endif
