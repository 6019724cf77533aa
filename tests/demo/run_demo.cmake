# Runs DEMO in a folder of its own, empty at the beginning and gone at the end.
file(REMOVE_RECURSE ${FOLDER})
file(MAKE_DIRECTORY ${FOLDER})
execute_process(COMMAND ${DEMO} ${FOLDER} COMMAND_ECHO STDOUT RESULT_VARIABLE result)
file(REMOVE_RECURSE ${FOLDER})
if(result)
  message(FATAL_ERROR "${DEMO}: ${result}")
endif()
