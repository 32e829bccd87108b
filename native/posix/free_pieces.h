// What malloc has free between pieces that are in use.
#pragma once

namespace prefork {

// Takes it for good, so that this process and its children get new memory from the end of the heap,
// where all of it lies together. A child that used a free piece would copy the page around it, and
// each piece is on another page; as it is, the pages stay shared.
//
// glibc's main arena only: others are of other threads. Nothing elsewhere. Once in a process and
// its children: what is free later is for it to use. For the main thread.
void take_free_pieces();

}  // namespace prefork
