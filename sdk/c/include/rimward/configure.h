// Made by generate.py of sdk/wit/filter.wit.
// Include it in the one file that has the function `configure`: that is what makes the component export it.

#ifndef RIMWARD_CONFIGURE_H
#define RIMWARD_CONFIGURE_H

#include <stdlib.h>

#include "rimward/host.h"

#ifdef __cplusplus
extern "C" {
#endif

// Before a version of the filter gets traffic: returns false, with `error` set, to refuse its settings.
bool configure(rimward_string_t *config, rimward_string_t *error);

typedef struct {
  bool is_err;
  union {
    rimward_string_t err;
  } val;
} exports_lifecycle_result_void_string_t;

__attribute__((__aligned__(sizeof(void*))))
static uint8_t lifecycle_ret_area[(8+7*sizeof(void*))];

__attribute__((__weak__, __export_name__("cabi_post_rimward:filter/lifecycle@0.1.0#configure")))
void __wasm_export_exports_lifecycle_configure_post_return(uint8_t * arg0) {
  switch ((int32_t) (int32_t) *((uint8_t*) (arg0 + 0))) {
    case 0: {
      break;
    }
    case 1: {
      if ((*((size_t*) (arg0 + (2*sizeof(void*))))) > 0) {
        free(*((uint8_t **) (arg0 + sizeof(void*))));
      }
      break;
    }
  }
}

__attribute__((__export_name__("rimward:filter/lifecycle@0.1.0#configure")))
uint8_t * __wasm_export_configure(uint8_t * arg, size_t arg0) {
  rimward_string_t arg1 = (rimward_string_t) { (uint8_t*)(arg), (arg0) };
  exports_lifecycle_result_void_string_t ret;
  rimward_string_t err;
  ret.is_err = !configure(&arg1, &err);
  if (ret.is_err) {
    ret.val.err = err;
  }
  uint8_t *ptr = (uint8_t *) &lifecycle_ret_area;
  if ((ret).is_err) {
    const rimward_string_t *payload2 = &(ret).val.err;*((int8_t*)(ptr + 0)) = 1;
    *((size_t*)(ptr + (2*sizeof(void*)))) = (*payload2).len;
    *((uint8_t **)(ptr + sizeof(void*))) = (uint8_t *) (*payload2).ptr;
  } else {
    *((int8_t*)(ptr + 0)) = 0;
  }
  return ptr;
}

// What this part imports or exports, for the tool that makes the component.
__asm__(".section \".custom_section.component-type-rimward-c-lifecycle\",\"\",@\n"
    ".ascii \"\\000asm\\015\\000\\001\\000\\000\\031\\026wit-component-encoding\\004\\000\\007q\\001A\\002\\001A\\002\\001B\\003\\001j\\000\\001s\\001@\\001\\006configs\\000\\000\"\n"
    ".ascii \"\\004\\000\\011configure\\001\\001\\004\\000\\036rimward:filter/lifecycle@0.1.0\\005\\000\\004\\000 rimward:filt\"\n"
    ".ascii \"er/c-lifecycle@0.1.0\\004\\000\\013\\021\\001\\000\\013c-lifecycle\\003\\000\\000\\000D\\011producers\\001\\014processed\"\n"
    ".ascii \"-by\\002\\015wit-component\\0070.262.0\\015wit-bindgen-c\\0060.63.0\"\n"
);

#ifdef __cplusplus
}
#endif

#endif
