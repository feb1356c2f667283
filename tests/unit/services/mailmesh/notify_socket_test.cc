#include "services/mailmesh/up/notify_socket.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "common/service/supervisor_notify.h"

namespace mailmesh::up {
namespace {

// What the roles send is what is understood.
TEST(NotifySocketTest, ReadyAndMoreTime) {
  const std::string path = absl::StrCat((std::filesystem::temp_directory_path() / "notify-").string(), base::NewIdText());
  absl::StatusOr<NotifySocket> socket = NotifySocket::Open(path);
  ASSERT_TRUE(socket.ok()) << socket.status();
  EXPECT_FALSE(socket->Next().has_value());
  const service::SupervisorNotify role(path);
  role.Starting();
  role.Alive();
  role.Ready();
  const auto starting = socket->Next();
  ASSERT_TRUE(starting.has_value());
  EXPECT_EQ(starting->process, getpid());
  EXPECT_FALSE(starting->ready);
  EXPECT_EQ(starting->more_time, absl::Minutes(1));
  const auto alive = socket->Next();
  ASSERT_TRUE(alive.has_value());
  EXPECT_FALSE(alive->ready);
  EXPECT_EQ(alive->more_time, absl::ZeroDuration());
  const auto ready = socket->Next();
  ASSERT_TRUE(ready.has_value());
  EXPECT_TRUE(ready->ready);
  EXPECT_FALSE(socket->Next().has_value());
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace mailmesh::up
