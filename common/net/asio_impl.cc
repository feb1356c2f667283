// The one translation unit that holds Asio's non-template code (ASIO_SEPARATE_COMPILATION).
#include <asio/impl/src.hpp>
