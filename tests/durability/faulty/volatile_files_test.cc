// A process that ends has lost what it had not synced, and nothing else.
#include "tests/durability/faulty/volatile_files.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "tests/durability/faulty/faults.h"

namespace mailmesh::faulty {
namespace {

const rocksdb::IOOptions kOptions;

class VolatileFilesTest : public testing::Test {
 protected:
  VolatileFilesTest() {
    char name[] = "/tmp/volatile-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~VolatileFilesTest() override { std::filesystem::remove_all(folder_); }

  // Runs it in a process that is killed after it; fails if it ends before.
  static void ThenPowerFails(const std::function<void()>& work) {
    const pid_t child = fork();
    if (child == 0) {
      work();
      kill(getpid(), SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  }
  static void Check(const rocksdb::IOStatus& status) {
    if (!status.ok()) _exit(1);
  }
  static std::unique_ptr<rocksdb::FSWritableFile> Create(VolatileFiles& files, const std::string& name) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    Check(files.NewWritableFile(name, {}, &file, nullptr));
    return file;
  }
  void SyncFolder(VolatileFiles& files) const {
    std::unique_ptr<rocksdb::FSDirectory> folder;
    Check(files.NewDirectory(folder_, kOptions, &folder, nullptr));
    Check(folder->Fsync(kOptions, nullptr));
  }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string Read(const std::string& name) const {
    std::ifstream file(Path(name), std::ios::binary);
    return file ? std::string(std::istreambuf_iterator<char>(file), {}) : "absent";
  }

  std::string folder_;
};

TEST_F(VolatileFilesTest, WhatWasNotSyncedIsLost) {
  ThenPowerFails([&] {
    VolatileFiles files;
    auto file = Create(files, Path("000001.log"));
    SyncFolder(files);
    Check(file->Append("synced", kOptions, nullptr));
    Check(file->Sync(kOptions, nullptr));
    Check(file->Append(" and not", kOptions, nullptr));
    Check(file->Flush(kOptions, nullptr));
    uint64_t size = 0;
    Check(files.GetFileSize(Path("000001.log"), kOptions, &size, nullptr));
    if (size != 14) _exit(2);  // the process itself sees all of it
  });
  EXPECT_EQ(Read("000001.log"), "synced");
}

TEST_F(VolatileFilesTest, ANewNameNeedsItsFolderSynced) {
  ThenPowerFails([&] {
    VolatileFiles files;
    auto file = Create(files, Path("a.sst"));
    Check(file->Append("octets", kOptions, nullptr));
    Check(file->Sync(kOptions, nullptr));
    if (!files.FileExists(Path("a.sst"), kOptions, nullptr).ok()) _exit(2);
  });
  EXPECT_EQ(Read("a.sst"), "absent");
}

TEST_F(VolatileFilesTest, ARenameNeedsItsFolderSynced) {
  std::ofstream(Path("CURRENT")) << "old";
  auto replace = [&](bool sync) {
    VolatileFiles files;
    auto file = Create(files, Path("1.dbtmp"));
    Check(file->Append("new", kOptions, nullptr));
    Check(file->Sync(kOptions, nullptr));
    Check(file->Close(kOptions, nullptr));
    Check(files.RenameFile(Path("1.dbtmp"), Path("CURRENT"), kOptions, nullptr));
    std::unique_ptr<rocksdb::FSSequentialFile> reader;
    Check(files.NewSequentialFile(Path("CURRENT"), {}, &reader, nullptr));
    char scratch[8];
    rocksdb::Slice octets;
    Check(reader->Read(sizeof scratch, kOptions, &octets, scratch, nullptr));
    if (octets != "new") _exit(2);
    if (sync) SyncFolder(files);
  };
  ThenPowerFails([&] { replace(false); });
  EXPECT_EQ(Read("CURRENT"), "old");
  ThenPowerFails([&] { replace(true); });
  EXPECT_EQ(Read("CURRENT"), "new");
}

TEST_F(VolatileFilesTest, ATornTailIsNoMoreThanWasWritten) {
  ThenPowerFails([&] {
    VolatileFiles files;
    auto file = Create(files, Path("000001.log"));
    SyncFolder(files);
    Check(file->Append("synced", kOptions, nullptr));
    Check(file->Sync(kOptions, nullptr));
    Check(file->Append("0123456789", kOptions, nullptr));
    files.Die();
  });
  const std::string left = Read("000001.log");
  EXPECT_TRUE(std::string("synced0123456789").starts_with(left) && left.starts_with("synced")) << left;
}

TEST_F(VolatileFilesTest, FaultsComeAsOftenAsAskedFor) {
  ThenPowerFails([&] {
    VolatileFiles files;
    auto file = Create(files, Path("000001.log"));
    TheFaults().fail_writes = 1;
    if (!file->Append("x", kOptions, nullptr).IsIOError()) _exit(2);
    Check(file->Append("x", kOptions, nullptr));
    TheFaults().fail_syncs = 1;
    if (!file->Sync(kOptions, nullptr).IsIOError()) _exit(3);
    Check(file->Sync(kOptions, nullptr));
    TheFaults().die_after_sync = 2;
    Check(file->Sync(kOptions, nullptr));
    file->Sync(kOptions, nullptr).PermitUncheckedError();
    _exit(4);
  });
}

// What RocksDB itself relies on is what the file system keeps.
TEST_F(VolatileFilesTest, ADatabaseKeepsWhatItSynced) {
  auto write = [&](const std::string& key, bool sync) {
    ThenPowerFails([&] {
      auto env = rocksdb::NewCompositeEnv(std::make_shared<VolatileFiles>());
      rocksdb::Options options;
      options.create_if_missing = true;
      options.env = env.get();
      rocksdb::DB* database = nullptr;
      if (!rocksdb::DB::Open(options, Path("db"), &database).ok()) _exit(1);
      rocksdb::WriteOptions how;
      how.sync = sync;
      if (!database->Put(how, key, "value").ok()) _exit(2);
    });
  };
  for (int round = 0; round < 3; ++round) {
    write("synced" + std::to_string(round), true);
    write("unsynced" + std::to_string(round), false);
  }
  rocksdb::DB* database = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(rocksdb::Options(), Path("db"), &database).ok());
  std::string value;
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(database->Get({}, "synced" + std::to_string(round), &value).ok()) << round;
    EXPECT_TRUE(database->Get({}, "unsynced" + std::to_string(round), &value).IsNotFound()) << round;
  }
  delete database;
}

}  // namespace
}  // namespace mailmesh::faulty
