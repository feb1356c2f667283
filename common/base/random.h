// Random octets that nobody can guess, and ids made of them.
//
// All functions are thread-safe. A failing generator ends the process: going on with guessable ids would be worse.
#ifndef MAILMESH_COMMON_BASE_RANDOM_H_
#define MAILMESH_COMMON_BASE_RANDOM_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "common/base/clock.h"

namespace mailmesh::base {

// Fills `out` from OpenSSL's generator.
void RandomBytes(std::span<uint8_t> out);
// `size` random octets as a string of raw octets.
std::string RandomString(size_t size);
uint64_t RandomUint64();
// Uniform in [0, bound); bound must not be 0.
uint64_t RandomBelow(uint64_t bound);

// A 128-bit id whose first 48 bits are milliseconds since 1970, the rest random: ids made later sort later (to the
// millisecond), so that they are cheap as keys of a database.
using Id128 = std::array<uint8_t, 16>;
Id128 NewId(const Clock& clock = Clock::Real());

// 26 characters 0-9a-z without i, l, o, u (Crockford's alphabet in lower case); sorts like the id.
std::string IdText(const Id128& id);
// 32 hexadecimal digits.
std::string IdHex(const Id128& id);

// A new time-ordered id in 26 characters: for queue ids, message ids, correlation ids, request_id of an RPC.
std::string NewIdText(const Clock& clock = Clock::Real());

// A fresh name for one session in logs: 13 characters, not secret, unique enough within a day.
std::string NewSessionId();

}  // namespace mailmesh::base

#endif  // MAILMESH_COMMON_BASE_RANDOM_H_
