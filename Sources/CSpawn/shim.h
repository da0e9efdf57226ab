#ifndef SLUICE_CSPAWN_SHIM_H
#define SLUICE_CSPAWN_SHIM_H

// What starting and watching a child process needs beyond the Glibc overlay of Swift. Includes, declarations, and one
// static inline function for each macro or function that Swift cannot import; no logic.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Declared only under _GNU_SOURCE, which the importer does not define for Glibc.
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
extern int pipe2(int descriptors[2], int flags);
extern char **environ;

static inline int sluice_spawn_add_directory(posix_spawn_file_actions_t *actions, const char *path) {
    return posix_spawn_file_actions_addchdir_np(actions, path);
}

static inline int sluice_spawn_add_close_from(posix_spawn_file_actions_t *actions, int from) {
    return posix_spawn_file_actions_addclosefrom_np(actions, from);
}

// Both ends are closed on exec, so that no other child inherits them.
static inline int sluice_pipe(int descriptors[2]) {
    return pipe2(descriptors, O_CLOEXEC);
}

// fcntl is variadic.
static inline int sluice_make_nonblocking(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    return flags < 0 ? flags : fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
}

// pidfd_open is declared under _GNU_SOURCE since glibc 2.36, and nowhere before.
static inline int sluice_open_process(int process) {
    return (int)syscall(SYS_pidfd_open, process, 0);
}

// pidfd_send_signal: as above.
static inline int sluice_signal_process(int descriptor, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, descriptor, signal, (void *)0, 0);
}

// fcntl is variadic. A copy that is closed on exec, with a number that is not below the least.
static inline int sluice_duplicate(int descriptor, int least) {
    return fcntl(descriptor, F_DUPFD_CLOEXEC, least);
}

// A global variable that Swift takes for one that may change at any time.
static inline char **sluice_environment(void) {
    return environ;
}

// The overlay gives these as distinct integer types.
static const short sluice_SPAWN_FLAGS =
    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
static const short sluice_SPAWN_IN_GROUP_FLAGS = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;

// siginfo_t is a union that Swift cannot look into. P_PID and WNOWAIT: the child stays a zombie, so that its number
// cannot be given to another process while its group is being signalled. 1: has ended, 0: has not, -1: errno.
static inline int sluice_has_ended(int process) {
    siginfo_t information = {0};
    int result = waitid(P_PID, (id_t)process, &information, WEXITED | WNOHANG | WNOWAIT);
    return result < 0 ? -1 : information.si_pid != 0;
}

// The parts of a wait status.
static inline int sluice_has_exited(int status) { return WIFEXITED(status); }
static inline int sluice_exit_code(int status) { return WEXITSTATUS(status); }
static inline int sluice_ending_signal(int status) { return WTERMSIG(status); }

// S_ISREG and S_ISDIR are macros.
static inline int sluice_is_file(const char *path) {
    struct stat entry;
    return stat(path, &entry) == 0 && S_ISREG(entry.st_mode);
}

static inline int sluice_is_directory(const char *path) {
    struct stat entry;
    return stat(path, &entry) == 0 && S_ISDIR(entry.st_mode);
}

#endif
