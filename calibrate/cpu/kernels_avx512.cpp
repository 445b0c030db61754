// Compiled for AVX-512 (F, DQ, VL).
#if defined(__x86_64__)
#define RIDGE_KERNELS kernels_avx512
#define RIDGE_NAME "avx512f"
#define RIDGE_VECTOR_BYTES 64
#include "calibrate/cpu/kernels_body.inc"
#endif
