// The only way to start a coroutine that nobody awaits: what it throws is reported, never lost.
//
// Pass values as parameters of a function or member; never a capturing lambda (its captures die with it):
//   Spawn(stream.executor(), RunSession(std::move(stream), config), "imap-session");
#ifndef MAILMESH_COMMON_NET_SPAWN_H_
#define MAILMESH_COMMON_NET_SPAWN_H_

#include <functional>
#include <string_view>

#include "common/net/awaitable.h"

namespace mailmesh::net {

// Called with the name given to Spawn() and the text of the exception; from any I/O thread.
using EscapeHook = std::function<void(std::string_view name, std::string_view what)>;

// Set once at start, before the first Spawn(). Without one, escapes go to stderr.
void SetEscapeHook(EscapeHook hook);
// Hands an exception that reached the top of a coroutine or an I/O loop to the hook.
void ReportEscape(std::string_view name, std::string_view what);

// Runs `task` on `executor`. `name` must be a literal or live as long as the process.
void Spawn(Executor executor, Awaitable<void> task, std::string_view name);

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_SPAWN_H_
