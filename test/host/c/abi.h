/* What a Go output plugin and Fluent Bit know of each other. Order and types are
 * Fluent Bit's (include/fluent-bit/flb_plugin_proxy.h, flb_api.h, src/proxy/go/go.h). */
#ifndef HOST_ABI_H
#define HOST_ABI_H

#include <stddef.h>

enum { FLB_ERROR = 0, FLB_OK = 1, FLB_RETRY = 2 };
enum { PROXY_OUTPUT = 2, PROXY_GO = 11 };

struct output;

/* Filled by FLBPluginRegister. This is the layout up to Fluent Bit 4.2; later ones
 * have an int before config_map, which a plugin for all of them must not write. */
struct proxy_def {
    int type;
    int proxy;
    int flags;
    char *name;
    char *description;
    void *config_map;
};

/* The functions that a plugin may call; Go plugins call the first alone. */
struct api {
    const char *(*output_get_property)(const char *key, struct output *);
    void *others[8];
};

/* One for each output: FLBPluginInit leaves its context here. */
struct proxy_context {
    void *remote_context;
    void *proxy;
};

/* The argument of FLBPluginInit: one for the library, whose output and context
 * are changed for each call. */
struct go_plugin {
    char *name;
    struct api *api;
    struct output *output;
    struct proxy_context *context;
};

/* What the library exports; all but do_register and init may be missing. */
struct plugin {
    int (*pre_register)(int reloading);
    int (*do_register)(struct proxy_def *);
    int (*init)(struct go_plugin *);
    int (*pre_run)(int hot_reload_enabled);
    int (*flush)(const void *data, size_t size, const char *tag);
    int (*flush_ctx)(void *context, const void *data, size_t size, char *tag);
    void (*pre_exit)(int reloading);
    int (*exit)(void);
    int (*exit_ctx)(void *context);
    void (*unregister)(struct proxy_def *);
};

#endif
