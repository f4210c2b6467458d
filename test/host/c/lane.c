/* Lanes: threads that do their jobs in turn, and the count of jobs not done. */
#include <stdlib.h>

#include "host.h"

static pthread_mutex_t pending_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t pending_none = PTHREAD_COND_INITIALIZER;
static int pending; /* jobs that are not done, of all lanes */

static void pending_add(int n)
{
    pthread_mutex_lock(&pending_mutex);
    pending += n;
    if (pending == 0)
        pthread_cond_broadcast(&pending_none);
    pthread_mutex_unlock(&pending_mutex);
}

void drain(void)
{
    pthread_mutex_lock(&pending_mutex);
    while (pending)
        pthread_cond_wait(&pending_none, &pending_mutex);
    pthread_mutex_unlock(&pending_mutex);
}

struct job *job_new(void (*run)(struct job *), struct engine *engine)
{
    struct job *job = new(sizeof(*job));

    job->run = run;
    job->engine = engine;
    return job;
}

void lane_post(struct lane *lane, struct job *job)
{
    pending_add(1);
    pthread_mutex_lock(&lane->mutex);
    *lane->last = job;
    lane->last = &job->next;
    pthread_cond_signal(&lane->more);
    pthread_mutex_unlock(&lane->mutex);
}

static struct job *lane_next(struct lane *lane)
{
    struct job *job;

    pthread_mutex_lock(&lane->mutex);
    while (!lane->first)
        pthread_cond_wait(&lane->more, &lane->mutex);
    job = lane->first;
    lane->first = job->next;
    if (!lane->first)
        lane->last = &lane->first;
    pthread_mutex_unlock(&lane->mutex);
    return job;
}

static void *lane_main(void *lane)
{
    struct job *job;
    int more;

    do {
        job = lane_next(lane);
        more = job->run != NULL;
        if (more)
            job->run(job);
        free(job);
        pending_add(-1);
    } while (more);
    return NULL;
}

void lane_start(struct lane *lane)
{
    pthread_mutex_init(&lane->mutex, NULL);
    pthread_cond_init(&lane->more, NULL);
    lane->last = &lane->first;
    if (pthread_create(&lane->thread, NULL, lane_main, lane) != 0)
        die("no thread to be had");
}

void lane_stop(struct lane *lane)
{
    lane_post(lane, job_new(NULL, NULL));
    pthread_join(lane->thread, NULL);
}
