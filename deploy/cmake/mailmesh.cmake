# How every target of Mailmesh is made: one set of flags, one layer rule, shared precompiled headers.
include_guard(GLOBAL)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
# The compiler writes paths into objects; relative ones keep ccache useful across checkouts.
add_compile_options("-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")

find_program(MAILMESH_CCACHE ccache)
if(MAILMESH_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros;CCACHE_BASEDIR=${CMAKE_SOURCE_DIR};CCACHE_NOHASHDIR=1;${MAILMESH_CCACHE}")
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(RocksDB CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(CURL REQUIRED)
find_library(MAILMESH_JEMALLOC jemalloc REQUIRED)

# Warnings for our own code only.
add_library(mailmesh_flags INTERFACE)
target_compile_options(mailmesh_flags INTERFACE -Wall -Wextra -Werror -Wimplicit-fallthrough)
target_include_directories(mailmesh_flags INTERFACE "${CMAKE_SOURCE_DIR}")
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(mailmesh_flags INTERFACE -Wthread-safety)
  # Clang does not see Asio 1.22's coroutines by itself.
  target_compile_definitions(mailmesh_flags INTERFACE ASIO_HAS_CO_AWAIT=1 ASIO_HAS_STD_COROUTINE=1)
endif()
if(MAILMESH_SANITIZER)
  add_compile_options(-fsanitize=${MAILMESH_SANITIZER} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${MAILMESH_SANITIZER})
  if(MAILMESH_SANITIZER MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)
    # tests/sanitizers/abseil makes them. RPATH, not RUNPATH: gRPC's libraries shall use them too.
    set(CMAKE_BUILD_RPATH "${CMAKE_BINARY_DIR}/abseil/lib")
    add_link_options(-Wl,--disable-new-dtags)
  endif()
endif()

if(MAILMESH_FUZZ)
  # libFuzzer steers by the coverage of the libraries, not of the target's own file.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Layers: a library may link only libraries of a lower rank; services link common and proto only.
set(_mailmesh_ranks
    proto=0 base=1 text=2
    mime=3 telemetry=3
    smtp=4 pop3=4 imap=4 config=4 kv=4 net=4
    dns=5 rpc=5 sasl=5
    auth=6 service=7)

function(_mailmesh_rank name out)
  foreach(pair IN LISTS _mailmesh_ranks)
    if(pair MATCHES "^${name}=([0-9]+)$")
      set(${out} ${CMAKE_MATCH_1} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "mailmesh: '${name}' is not a layer; add it to deploy/cmake/mailmesh.cmake with its rank")
endfunction()

# mailmesh_library(<layer> SOURCES a.cc ... [DEPS <layer> ...] [LIBS external ...] [PCH base|service])
# makes mailmesh_<layer>. DEPS name lower layers only: an upward or sideways link is an error here.
function(mailmesh_library layer)
  cmake_parse_arguments(arg "" "PCH" "SOURCES;DEPS;LIBS" ${ARGN})
  _mailmesh_rank(${layer} rank)
  add_library(mailmesh_${layer} STATIC ${arg_SOURCES})
  target_link_libraries(mailmesh_${layer} PUBLIC mailmesh_flags ${arg_LIBS})
  foreach(dep IN LISTS arg_DEPS)
    _mailmesh_rank(${dep} dep_rank)
    if(NOT dep_rank LESS rank)
      message(FATAL_ERROR "mailmesh: layer '${layer}' (${rank}) must not link '${dep}' (${dep_rank})")
    endif()
    target_link_libraries(mailmesh_${layer} PUBLIC mailmesh_${dep})
  endforeach()
  _mailmesh_pch(mailmesh_${layer} "${arg_PCH}")
endfunction()

# mailmesh_service(<name> SOURCES ... DEPS <layer> ... [LIBS ...])
# makes the object library mailmesh_<name>_service of everything but main.cc, and the program mailmesh-<name>.
function(mailmesh_service name)
  cmake_parse_arguments(arg "" "BINARY" "SOURCES;DEPS;LIBS" ${ARGN})
  add_library(mailmesh_${name}_service STATIC ${arg_SOURCES})
  target_link_libraries(mailmesh_${name}_service PUBLIC mailmesh_flags ${arg_LIBS})
  foreach(dep IN LISTS arg_DEPS)
    _mailmesh_rank(${dep} unused)  # refuses another service
    target_link_libraries(mailmesh_${name}_service PUBLIC mailmesh_${dep})
  endforeach()
  _mailmesh_pch(mailmesh_${name}_service service)
  set(binary "mailmesh-${name}")
  if(arg_BINARY)
    set(binary ${arg_BINARY})
  endif()
  add_executable(${binary} main.cc)
  target_link_libraries(${binary} PRIVATE mailmesh_${name}_service)
  # docs/adr/0062-jemalloc.md. Sanitizers bring an allocator of their own.
  if(NOT MAILMESH_SANITIZER AND NOT arg_BINARY)
    target_link_libraries(${binary} PRIVATE ${MAILMESH_JEMALLOC})
  endif()
  install(TARGETS ${binary} RUNTIME DESTINATION bin)
endfunction()

# mailmesh_test(<name> SOURCES ... DEPS targets ...) makes a GoogleTest program and registers it with CTest.
function(mailmesh_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  target_link_libraries(${name} PRIVATE mailmesh_flags ${arg_DEPS} GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if(MAILMESH_SANITIZER)
    math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * 8")
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT})
endfunction()

function(_mailmesh_pch target kind)
  if(MAILMESH_SANITIZER OR NOT kind)
    return()
  endif()
  target_precompile_headers(${target} REUSE_FROM mailmesh_pch_${kind})
endfunction()

# The headers that nearly every file of a kind includes.
function(_mailmesh_make_pch kind)
  file(WRITE "${CMAKE_BINARY_DIR}/pch_${kind}.cc" "")
  add_library(mailmesh_pch_${kind} OBJECT "${CMAKE_BINARY_DIR}/pch_${kind}.cc")
  target_link_libraries(mailmesh_pch_${kind} PRIVATE mailmesh_flags)
endfunction()
_mailmesh_make_pch(base)
target_link_libraries(mailmesh_pch_base PRIVATE absl::status absl::statusor absl::strings)
target_precompile_headers(mailmesh_pch_base PRIVATE
  <algorithm> <array> <cstdint> <functional> <map> <memory> <optional> <span> <string> <string_view> <utility> <variant> <vector>
  <absl/status/status.h> <absl/status/statusor.h> <absl/strings/str_cat.h>)
add_library(mailmesh_asio INTERFACE)
# Whether Asio allocates by aligned_alloc() or operator new would otherwise depend on what a file includes before it, and
# one file frees what another one allocated.
target_compile_definitions(mailmesh_asio INTERFACE
  ASIO_STANDALONE ASIO_SEPARATE_COMPILATION ASIO_NO_DEPRECATED ASIO_DISABLE_STD_ALIGNED_ALLOC)
target_link_libraries(mailmesh_asio INTERFACE Threads::Threads)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 takes Asio's operator delete of coroutine frames for a mistake where it inlines one half of the pair.
  target_compile_options(mailmesh_asio INTERFACE -Wno-mismatched-new-delete)
endif()
_mailmesh_make_pch(service)
target_link_libraries(mailmesh_pch_service PRIVATE mailmesh_asio gRPC::grpc++ absl::status absl::statusor absl::strings absl::synchronization)
target_precompile_headers(mailmesh_pch_service PRIVATE
  <algorithm> <array> <chrono> <cstdint> <functional> <map> <memory> <optional> <span> <string> <string_view> <utility> <variant> <vector>
  <absl/status/status.h> <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/synchronization/mutex.h> <absl/time/time.h>
  <asio/awaitable.hpp> <asio/co_spawn.hpp> <asio/io_context.hpp> <asio/steady_timer.hpp> <asio/use_awaitable.hpp>
  <grpcpp/grpcpp.h>)
