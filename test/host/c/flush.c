/* Flushes, and memory that faults when a plugin uses it in a way that Fluent Bit
 * does not promise. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "host.h"

/* The least that Fluent Bit gives a flush: 3/2 of PTHREAD_STACK_MIN in
 * older versions, 64 KiB in 5.1 (include/fluent-bit/flb_coro.h). */
enum { COROUTINE_STACK = 24 * 1024 };

/* A span with the next size bytes of the input, read-only; extra zeros follow them. */
static struct span span_read(size_t size, size_t extra)
{
    size_t page = sysconf(_SC_PAGESIZE), all = size + extra;
    size_t used = (all + page - 1) / page * page;
    struct span s = {.mapped = used + page, .size = size};

    s.pages = mmap(NULL, s.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s.pages == MAP_FAILED)
        die("no memory for a chunk");
    s.data = s.pages + used - all;
    if (fread(s.data, 1, size, stdin) != size)
        die("the input ends inside a chunk");
    if (mprotect(s.pages, used, PROT_READ) != 0 || mprotect(s.pages + used, page, PROT_NONE) != 0)
        die("mprotect");
    return s;
}

/* Gives the memory back but not the addresses: no later span lies there. */
static void span_retire(struct span *s)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;

    if (mmap(s->pages, s->mapped, PROT_NONE, flags, -1, 0) == MAP_FAILED)
        die("mmap");
}

static int call_flush(struct job *job)
{
    if (plugin.flush_ctx)
        return plugin.flush_ctx(job->output->context.remote_context, job->chunk.data,
                                job->chunk.size, job->tag.data);
    return plugin.flush ? plugin.flush(job->chunk.data, job->chunk.size, job->tag.data) : FLB_ERROR;
}

static __thread struct job *coroutine_job;

static void coroutine_main(void)
{
    struct job *job = coroutine_job;
    struct timespec from, to;
    int status;

    clock_gettime(CLOCK_MONOTONIC, &from);
    status = call_flush(job);
    clock_gettime(CLOCK_MONOTONIC, &to);

    span_retire(&job->tag);
    span_retire(&job->chunk);
    answer("status %s %s %lld\n", job->seq,
           status == FLB_OK ? "OK" : status == FLB_RETRY ? "RETRY" : "ERROR",
           (to.tv_sec - from.tv_sec) * 1000000LL + (to.tv_nsec - from.tv_nsec) / 1000);
}

static void run_flush(struct job *job)
{
    ucontext_t lane, coroutine;
    size_t guard = sysconf(_SC_PAGESIZE);
    char *stack = mmap(NULL, guard + COROUTINE_STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (stack == MAP_FAILED || mprotect(stack, guard, PROT_NONE) != 0)
        die("no memory for a stack");
    coroutine_job = job;
    getcontext(&coroutine);
    coroutine.uc_stack.ss_sp = stack + guard;
    coroutine.uc_stack.ss_size = COROUTINE_STACK;
    coroutine.uc_link = &lane;
    makecontext(&coroutine, coroutine_main, 0);
    swapcontext(&lane, &coroutine);
    munmap(stack, guard + COROUTINE_STACK);
    free(job->seq);
}

void flush_post(struct engine *e, const char *seq, const char *name, size_t tag_size,
                       size_t chunk_size)
{
    struct job *job = job_new(run_flush, e);
    struct output *o = e ? e->outputs : NULL;

    while (o && strcmp(o->name, name) != 0)
        o = o->next;
    if (!o)
        die("a flush to an unknown output");
    job->output = o;
    job->seq = strdup(seq);
    job->tag = span_read(tag_size, 1);
    job->chunk = span_read(chunk_size, 0);
    lane_post(o->workers ? &o->lanes[o->turn++ % o->workers] : &e->lane, job);
}
