// The mechanisms without cryptography of their own: PLAIN, LOGIN, EXTERNAL. By hand, because GNU SASL 2.2.0 prepares a password
// before anybody can ask for it, refuses all characters that are newer than Unicode 3.2, and cannot wait for a hash.
// Private to common/sasl.
#ifndef MAILMESH_COMMON_SASL_SERVER_SIMPLE_H_
#define MAILMESH_COMMON_SASL_SERVER_SIMPLE_H_

#include <memory>
#include <string>

#include "common/sasl/server_session.h"

namespace mailmesh::sasl {

std::unique_ptr<ServerSession> MakePlainSession(ServerBackend* backend);
std::unique_ptr<ServerSession> MakeLoginSession(ServerBackend* backend);
// `certificate_address`: not empty, verified.
std::unique_ptr<ServerSession> MakeExternalSession(std::string certificate_address, ServerBackend* backend);

}  // namespace mailmesh::sasl

#endif  // MAILMESH_COMMON_SASL_SERVER_SIMPLE_H_
