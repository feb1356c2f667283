// A seam is a function of the product that a test binary replaces when it is linked (ld --wrap): calls from other files come to the
// test's function, which may call the product's own. The product knows nothing of it.
//
// MAILMESH_SEAM(symbol) and MAILMESH_SEAM_REAL(symbol) follow a declaration with the parameters of the mangled symbol; a method's
// object is the first parameter, as in the Itanium ABI. CMakeLists.txt reads the symbols from the sources. A symbol that the
// product does not have any more is an error of the linker.
#ifndef MAILMESH_TESTS_DURABILITY_FAULTY_SEAM_H_
#define MAILMESH_TESTS_DURABILITY_FAULTY_SEAM_H_

#define MAILMESH_SEAM(symbol) asm("__wrap_" #symbol)
#define MAILMESH_SEAM_REAL(symbol) asm("__real_" #symbol)

#endif  // MAILMESH_TESTS_DURABILITY_FAULTY_SEAM_H_
