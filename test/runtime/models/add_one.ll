; y[n] = x[n] + 1, written as MLIR would: y lies in the workspace.

define void @_mlir_ciface_sinter_main(ptr %result, ptr %ctx, ptr %workspace, ptr %x) {
entry:
  %x.data.at = getelementptr i64, ptr %x, i64 1
  %x.data = load ptr, ptr %x.data.at
  %x.size.at = getelementptr i64, ptr %x, i64 3
  %n = load i64, ptr %x.size.at
  %y.at = getelementptr i64, ptr %workspace, i64 1
  %y = load ptr, ptr %y.at
  %empty = icmp eq i64 %n, 0
  br i1 %empty, label %done, label %loop

loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %from = getelementptr float, ptr %x.data, i64 %i
  %value = load float, ptr %from
  %sum = fadd float %value, 1.0
  %to = getelementptr float, ptr %y, i64 %i
  store float %sum, ptr %to
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %done

done:
  store ptr %y, ptr %result
  %r1 = getelementptr i64, ptr %result, i64 1
  store ptr %y, ptr %r1
  %r2 = getelementptr i64, ptr %result, i64 2
  store i64 0, ptr %r2
  %r3 = getelementptr i64, ptr %result, i64 3
  store i64 %n, ptr %r3
  %r4 = getelementptr i64, ptr %result, i64 4
  store i64 1, ptr %r4
  ret void
}

define i64 @_mlir_ciface_sinter_workspace_size(ptr %x) {
  %x.size.at = getelementptr i64, ptr %x, i64 3
  %n = load i64, ptr %x.size.at
  %bytes = shl i64 %n, 2
  ret i64 %bytes
}
