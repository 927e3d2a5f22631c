// Made by generate.py of sdk/wit/filter.wit.
// Include it in the one file that has the function `on_response_body`: that is what makes the component export it.

#ifndef RIMWARD_ON_RESPONSE_BODY_H
#define RIMWARD_ON_RESPONSE_BODY_H

#include <stdlib.h>

#include "rimward/host.h"

#ifdef __cplusplus
extern "C" {
#endif

// The body on its way to the client, after rimward_response_want_body.
bool on_response_body(rimward_chunk_verdict_t *verdict, rimward_string_t *error);

typedef rimward_chunk_verdict_t exports_on_response_body_chunk_verdict_t;

typedef struct {
  bool is_err;
  union {
    exports_on_response_body_chunk_verdict_t ok;
    rimward_string_t err;
  } val;
} exports_on_response_body_result_chunk_verdict_string_t;

__attribute__((__aligned__(sizeof(void*))))
static uint8_t on_response_body_ret_area[(8+7*sizeof(void*))];

__attribute__((__weak__, __export_name__("cabi_post_rimward:filter/on-response-body@0.1.0#handle")))
void __wasm_export_exports_on_response_body_handle_post_return(uint8_t * arg0) {
  switch ((int32_t) (int32_t) *((uint8_t*) (arg0 + 0))) {
    case 0: {
      switch ((int32_t) (int32_t) *((uint8_t*) (arg0 + sizeof(void*)))) {
        case 0: {
          break;
        }
        case 1: {
          size_t len = *((size_t*) (arg0 + (3*sizeof(void*))));
          if (len > 0) {
            uint8_t *ptr = *((uint8_t **) (arg0 + (2*sizeof(void*))));
            for (size_t i = 0; i < len; i++) {
              uint8_t *base = ptr + i * 1;
              (void) base;
            }
            free(ptr);
          }
          break;
        }
        case 2: {
          break;
        }
        case 3: {
          break;
        }
      }
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

__attribute__((__export_name__("rimward:filter/on-response-body@0.1.0#handle")))
uint8_t * __wasm_export_on_response_body(void) {
  exports_on_response_body_result_chunk_verdict_string_t ret;
  exports_on_response_body_chunk_verdict_t ok;
  rimward_string_t err;
  ret.is_err = !on_response_body(&ok, &err);
  if (ret.is_err) {
    ret.val.err = err;
  }
  if (!ret.is_err) {
    ret.val.ok = ok;
  }
  uint8_t *ptr = (uint8_t *) &on_response_body_ret_area;
  if ((ret).is_err) {
    const rimward_string_t *payload4 = &(ret).val.err;*((int8_t*)(ptr + 0)) = 1;
    *((size_t*)(ptr + (2*sizeof(void*)))) = (*payload4).len;
    *((uint8_t **)(ptr + sizeof(void*))) = (uint8_t *) (*payload4).ptr;
  } else {
    const exports_on_response_body_chunk_verdict_t *payload = &(ret).val.ok;*((int8_t*)(ptr + 0)) = 0;
    switch ((int32_t) (*payload).tag) {
      case 0: {
        *((int8_t*)(ptr + sizeof(void*))) = 0;
        break;
      }
      case 1: {
        const rimward_list_u8_t *payload1 = &(*payload).val.replace;
        *((int8_t*)(ptr + sizeof(void*))) = 1;
        *((size_t*)(ptr + (3*sizeof(void*)))) = (*payload1).len;
        *((uint8_t **)(ptr + (2*sizeof(void*)))) = (uint8_t *) (*payload1).ptr;
        break;
      }
      case 2: {
        *((int8_t*)(ptr + sizeof(void*))) = 2;
        break;
      }
      case 3: {
        *((int8_t*)(ptr + sizeof(void*))) = 3;
        break;
      }
    }
  }
  return ptr;
}

// What this part imports or exports, for the tool that makes the component.
__asm__(".section \".custom_section.component-type-rimward-c-on-response-body\",\"\",@\n"
    ".ascii \"\\000asm\\015\\000\\001\\000\\000\\031\\026wit-component-encoding\\004\\000\\007\\347\\006\\001A\\002\\001A\\005\\001B\\031\\001q\\012\\024not-allowed-i\"\n"
    ".ascii \"n-phase\\000\\000\\011read-only\\000\\000\\011forbidden\\000\\000\\007invalid\\001s\\000\\007no-such\\001s\\000\\006denied\\001s\"\n"
    ".ascii \"\\000\\005limit\\001s\\000\\007timeout\\000\\000\\013unavailable\\001s\\000\\005other\\001s\\000\\004\\000\\005error\\003\\000\\000\\001m\\005\\007reque\"\n"
    ".ascii \"st\\016origin-request\\017origin-response\\010response\\003log\\004\\000\\005phase\\003\\000\\002\\001m\\007\\007unk\"\n"
    ".ascii \"nown\\003hit\\005stale\\004miss\\013revalidated\\006bypass\\013uncacheable\\004\\000\\014cache-statu\"\n"
    ".ascii \"s\\003\\000\\004\\001o\\002ss\\001q\\003\\003set\\001\\006\\000\\006append\\001\\006\\000\\006remove\\001s\\000\\004\\000\\011header-op\\003\\000\\007\\001q\\003\\004none\\000\\000\"\n"
    ".ascii \"\\006chunks\\000\\000\\010buffered\\001y\\000\\004\\000\\011body-want\\003\\000\\011\\001p}\\001q\\004\\004pass\\000\\000\\007replace\\001\\013\\000\\004hol\"\n"
    ".ascii \"d\\000\\000\\004drop\\000\\000\\004\\000\\015chunk-verdict\\003\\000\\014\\001p\\006\\001ky\\001r\\004\\006status{\\007headers\\016\\004body\\013\\011ca\"\n"
    ".ascii \"che-ttl\\017\\004\\000\\011synthetic\\003\\000\\020\\001q\\003\\004next\\000\\000\\007respond\\001\\021\\000\\014replace-body\\001\\013\\000\\004\\000\\007v\"\n"
    ".ascii \"erdict\\003\\000\\022\\001ks\\001r\\010\\004hosts\\004port{\\003tls\\177\\003sni\\024\\013path-prefixs\\022connect-timeo\"\n"
    ".ascii \"ut-ms\\017\\017read-timeout-ms\\017\\007headers\\016\\004\\000\\015custom-origin\\003\\000\\025\\001q\\002\\005named\\001s\\000\\006\"\n"
    ".ascii \"custom\\001\\026\\000\\004\\000\\006origin\\003\\000\\027\\003\\000\\032rimward:filter/types@0.1.0\\005\\000\\002\\003\\000\\000\\015chunk-v\"\n"
    ".ascii \"erdict\\001B\\005\\002\\003\\002\\001\\001\\004\\000\\015chunk-verdict\\003\\000\\000\\001j\\001\\001\\001s\\001@\\000\\000\\002\\004\\000\\006handle\\001\\003\\004\\000%rimwar\"\n"
    ".ascii \"d:filter/on-response-body@0.1.0\\005\\002\\004\\000'rimward:filter/c-on-response\"\n"
    ".ascii \"-body@0.1.0\\004\\000\\013\\030\\001\\000\\022c-on-response-body\\003\\000\\000\\000D\\011producers\\001\\014processed-b\"\n"
    ".ascii \"y\\002\\015wit-component\\0070.262.0\\015wit-bindgen-c\\0060.63.0\"\n"
);

#ifdef __cplusplus
}
#endif

#endif
