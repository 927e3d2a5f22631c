// QuickJS-ng as one unit, for two reasons: its limit of the stack can be set here (the engine sets none on WebAssembly,
// where endless recursion would then end the instance instead of being a RangeError), and what it would print has
// nowhere to go.
#include <stdio.h>

#include "runtime.h"

#define __SANITIZE_ADDRESS__ 1 // each block from malloc, none from pools of the engine's own
#define printf(...) 0
#define fprintf(...) 0
#define fputc(...) 0
#define fwrite(...) 0

#include "quickjs/quickjs.c"

void limit_stack(JSRuntime *engine, size_t bytes)
{
    engine->stack_size = bytes;
    engine->stack_limit = engine->stack_top - bytes;
}
