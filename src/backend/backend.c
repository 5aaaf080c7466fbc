/* Finding the backend of a target. */
#include "backend/backend.h"

#include <string.h>

const struct tenon_backend *tenon_backend_find(const char *target) {
    for (int i = 0; tenon_backends[i] != NULL; i++)
        for (int k = 0; tenon_backends[i]->targets[k] != NULL; k++)
            if (strcmp(tenon_backends[i]->targets[k], target) == 0)
                return tenon_backends[i];
    return NULL;
}
