#ifndef MAILMESH_TESTS_BENCH_CLIENT_MESSAGE_H_
#define MAILMESH_TESTS_BENCH_CLIENT_MESSAGE_H_

#include <cstddef>
#include <string>

namespace mailmesh::bench {

// Message `number`, of about `size` octets (never fewer than its header, some 600), the same at every call: threads of eight
// with References, every third with two alternative parts, each 64 seconds older than the next. Lines end in CRLF and none
// begins with a dot.
std::string MakeMessage(int number, size_t size);

}  // namespace mailmesh::bench

#endif  // MAILMESH_TESTS_BENCH_CLIENT_MESSAGE_H_
