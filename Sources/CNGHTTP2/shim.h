#ifndef SLUICE_CNGHTTP2_SHIM_H
#define SLUICE_CNGHTTP2_SHIM_H

// Includes only: everything that is used arrives in Swift as it is.

#include <nghttp2/nghttp2.h>

#endif
