/*
 * host: the side of Fluent Bit that a Go output plugin sees, and nothing else.
 *
 *     host PLUGIN.so
 *
 * It calls the plugin in the order of Fluent Bit 5.1, on the same kinds of
 * threads and stacks and with the same lifetime of memory (to be read there:
 * src/flb_plugin_proxy.c, src/proxy/go/go.c, src/flb_output.c, src/flb_reload.c):
 *
 *   load      dlopen, FLBPluginPreRegister(reloading), FLBPluginRegister(def),
 *             on the main thread
 *   start     FLBPluginInit for each output in turn, then FLBPluginOutputPreRun
 *             for each, on the engine's thread
 *   flush     FLBPluginFlushCtx, or FLBPluginFlush where there is none, on the
 *             engine's thread (workers 0) or on the output's worker threads in
 *             rotation, each time on a coroutine's stack of 24 KiB
 *   stop      for each output: its workers end, FLBPluginOutputPreExit, then
 *             FLBPluginExitCtx, or FLBPluginExit where there is none; then once
 *             FLBPluginUnregister
 *   reload    load of the new outputs, stop of the old ones, start of the new
 *   failure   an output whose Init fails is never heard of again; the others are
 *             stopped as above, also those after it, whose context is still NULL
 *
 * What it leaves out: retries, which are its driver's affair; a limit to the time
 * of a stop; ${...} in values; a fork after the load.
 *
 * A chunk and its tag end at the end of read-only pages of their own, with no page
 * behind them, and when the flush returns their addresses are given up for good:
 * reading past the end, writing, and use after the return all fault at once.
 *
 * Commands come on standard input, one a line:
 *
 *   output NAME WORKERS           declares an output of the next start or reload
 *   set KEY VALUE                 a setting of the output declared last; VALUE is
 *                                 the rest of the line
 *   start                         -> ok start  | failed NAME
 *   flush SEQ NAME TAGLEN LEN     the tag and the chunk follow, raw
 *                                 -> status SEQ OK|RETRY|ERROR MICROSECONDS
 *   drain                         waits for every flush -> ok drain
 *   reload                        -> ok reload | failed NAME
 *   exit                          waits for every flush, stops -> ok exit
 *
 * "failed register" means the library itself. After "failed" the host stops what
 * has started and exits with status 1; after a command that it cannot read, with
 * status 2. The end of the input is an exit too, with a limit of 60 s, so that no
 * host outlives its driver. Answers go to what was standard output; the plugin's
 * own standard output is turned to standard error.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "host.h"

enum { LAST_EXIT_SECONDS = 60 };

static int answers;

/* Lines are shorter than PIPE_BUF, so those of two threads never mix. */
void answer(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vdprintf(answers, format, args);
    va_end(args);
}

void die(const char *what)
{
    fprintf(stderr, "host: %s\n", what);
    exit(2);
}

void *new(size_t size)
{
    void *memory = calloc(1, size);

    if (!memory)
        die("out of memory");
    return memory;
}

/* The outputs declared for the next start or reload. */
static struct output *declared;
static struct output **declared_last = &declared;
static struct setting **settings_last;

static struct output *take_declared(void)
{
    struct output *outputs = declared;

    declared = NULL;
    declared_last = &declared;
    settings_last = NULL;
    return outputs;
}

static void declare_output(const char *name, int workers)
{
    struct output *o = new(sizeof(*o));

    o->name = strdup(name);
    o->workers = workers;
    *declared_last = o;
    declared_last = &o->next;
    settings_last = &o->settings;
}

/* The keys that Fluent Bit takes out of an [OUTPUT] for itself, so that no plugin
 * sees them (src/flb_output.c, flb_output_set_property). */
static int is_reserved(const char *key)
{
    static const char *const names[] = {
        "name", "match", "match_regex", "alias", "log_level", "log_suppress_interval",
        "host", "port", "ipv6", "retry_limit", "workers", "tls", "storage.total_limit_size",
    };
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcasecmp(names[i], key) == 0)
            return 1;
    return !strncasecmp("net.", key, 4) || !strncasecmp("tls.", key, 4) ||
           !strncasecmp("oauth2", key, 6);
}

static void declare_setting(const char *key, const char *value)
{
    struct setting *s = new(sizeof(*s));

    if (is_reserved(key))
        return;
    s->key = strdup(key);
    s->value = strdup(value);
    *settings_last = s;
    settings_last = &s->next;
}

/* Does one command; 0 means exit. */
static int command(struct engine **engine, char *line)
{
    char a[256], b[256];
    size_t tag_size, chunk_size;
    int number;
    struct engine *next;

    if (sscanf(line, "output %255s %d", a, &number) == 2 && number >= 0) {
        declare_output(a, number);
    } else if (sscanf(line, "set %255s%n", a, &number) == 1 && settings_last) {
        declare_setting(a, line + number + (line[number] == ' '));
    } else if (sscanf(line, "flush %255s %255s %zu %zu", a, b, &tag_size, &chunk_size) == 4) {
        flush_post(*engine, a, b, tag_size, chunk_size);
    } else if (strcmp(line, "start") == 0 && !*engine) {
        engine_start(*engine = engine_load(take_declared(), 0));
        answer("ok start\n");
    } else if (strcmp(line, "reload") == 0 && *engine) {
        next = engine_load(take_declared(), 1);
        engine_stop(*engine, 1);
        engine_start(*engine = next);
        answer("ok reload\n");
    } else if (strcmp(line, "drain") == 0) {
        drain();
        answer("ok drain\n");
    } else if (strcmp(line, "exit") != 0) {
        die("a command that makes no sense");
    }
    return strcmp(line, "exit");
}

int main(int argc, char **argv)
{
    struct engine *engine = NULL;
    char *line = NULL;
    size_t room = 0;
    ssize_t n;

    if (argc != 2)
        die("usage: host PLUGIN.so");
    signal(SIGPIPE, SIG_IGN);
    answers = dup(STDOUT_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    library_open(argv[1]);
    do {
        n = getline(&line, &room, stdin);
        if (n > 0 && line[n - 1] == '\n')
            line[n - 1] = '\0';
    } while (n > 0 && command(&engine, line));
    if (n <= 0)
        alarm(LAST_EXIT_SECONDS);
    if (engine)
        engine_stop(engine, 0);
    answer("ok exit\n");
    return 0;
}
